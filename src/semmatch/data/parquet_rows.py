"""The rows of parquet files."""

from semmatch._optional import require
from semmatch.data.row_sources import named_columns
from semmatch.data.row_sources import Row
from semmatch.data.row_sources import RowSource

# Rows that are in memory at once.
_ROWS = 4096


def read_parquet(path, columns):
    """A `RowSource` of a parquet file; arguments as of `read_pairs`.

    Raises:
        ImportError: without pyarrow.
    """
    parquet = require("pyarrow.parquet", "parquet")
    try:
        schema = parquet.read_schema(path)
    except (ValueError, OSError) as error:  # pyarrow's are of these
        raise _unreadable(path, error) from error
    columns = named_columns(columns, [schema.names], path)
    missing = [name for name in columns if name not in schema.names]
    if missing:
        raise ValueError(
            f"{path}: there is no column {missing[0]!r}. The file has: "
            f"{', '.join(schema.names)}."
        )
    for name in columns[:2]:
        _check_strings(schema.field(name), path)

    def rows():
        # A file of one group of rows would be in memory as a whole otherwise.
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            found = (
                row
                for batch in _batches(file, columns, path)
                for row in zip(
                    *(_values(batch.column(name)) for name in columns),
                    strict=True,
                )
            )
            for number, row in enumerate(found, start=1):
                yield Row(number, *row)

    return RowSource(path, len(columns) == 3, rows, unit="row")


def _batches(file, columns, path):
    """The rows of some columns, a part at a time."""
    try:
        yield from file.iter_batches(_ROWS, columns=sorted(set(columns)))
    except (ValueError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    return ValueError(
        f"{path} is not readable as parquet: {error}. Write or copy it again."
    )


def _check_strings(field, path):
    types = require("pyarrow.types", "parquet")
    kind = field.type
    # A column of few different texts is most often kept as a dictionary.
    if types.is_dictionary(kind):
        kind = kind.value_type
    if not (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
    ):
        raise ValueError(
            f"{path}: column {field.name!r} must hold strings. Received: "
            f"{field.type}. Name other columns by `columns`, or convert it."
        )


def _values(column):
    """The values of a column, bytes that are not UTF-8 as lone surrogates."""
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        return [
            value.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
            if value.is_valid
            else None
            for value in column
        ]
