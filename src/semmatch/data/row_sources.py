"""The rows of the files that people keep pairs of texts in."""

import csv
import itertools
import json
from collections.abc import Callable
from typing import NamedTuple

# Names of columns that are recognised without being told.
_TEXT_A = ("text_a", "text1", "sentence1", "sentence_a", "question1", "query")
_TEXT_B = ("text_b", "text2", "sentence2", "sentence_b", "question2", "answer")
_LABEL = ("label", "score", "similarity", "is_duplicate")

# Of a row behind a first one that has none.
_LABEL_TOO = "it has a label, and the first row has none."


class Row(NamedTuple):
    """A row as it stands in a file; `text_a` None where it is unusable."""

    number: int
    text_a: str | None = None
    text_b: str | None = None
    label: object = None
    problem: str | None = None


class RowSource(NamedTuple):
    """A file, or a folder, and what is known of it before it is read.

    Attributes:
        name: what messages call it, its path.
        has_label: bool, whether its rows have labels.
        rows: function without arguments that gives its `Row`s one by one,
            from the first, as often as it is called.
        unit: what a row is called by, with its number.
        advice: what to do about a bad row.
    """

    name: object
    has_label: bool
    rows: Callable
    unit: str = "line"
    advice: str = "Mend the file, or read it with on_error='skip'."


def read_folder(folder):
    """A `RowSource` of one file a column, `{split}.seq1.in` and the like."""
    firsts = sorted(folder.glob("*.seq1.in"))
    if len(firsts) != 1:
        found = sorted(p.name for p in folder.iterdir())
        raise FileNotFoundError(
            f"Expected one {{split}}.seq1.in in {folder}, beside "
            f"{{split}}.seq2.in and {{split}}.label. Received a folder with: "
            f"{', '.join(found) or 'nothing'}."
        )
    stem = firsts[0].name.removesuffix(".seq1.in")
    second = folder / f"{stem}.seq2.in"
    if not second.is_file():
        raise FileNotFoundError(
            f"{folder} has {firsts[0].name}, but no {second.name}."
        )
    label = folder / f"{stem}.label"
    files = [firsts[0], second] + ([label] if label.is_file() else [])
    sizes = {file.name: sum(1 for _ in _lines(file)) for file in files}
    if len(set(sizes.values())) > 1:
        counts = ", ".join(f"{name} has {n} lines" for name, n in sizes.items())
        raise ValueError(
            f"The files of {folder} must have a line for each pair: {counts}."
        )

    def rows():
        columns = zip(*map(_lines, files), strict=True)
        return (Row(line, *row) for line, row in enumerate(columns, start=1))

    return RowSource(folder / f"{stem}.*", len(files) == 3, rows)


def read_table(path, columns, header):
    """A `RowSource` of a tsv or csv file; arguments as of `read_pairs`."""
    _, first = next(_cells(path), (1, None))
    if first is None:
        return RowSource(path, False, lambda: iter(()))
    given = columns is not None
    if not given:
        names = None if header is False else _known_columns(first)
        columns = names or ((0, 1, 2) if len(first) > 2 else (0, 1))
        header = bool(names) if header is None else header
    columns = _check_columns(columns)
    named = isinstance(columns[0], str)
    if named and header is False:
        raise ValueError(
            "`columns` are names, and header=False says that the file has "
            "none. Give positions, or leave `header` out."
        )
    places = [_place(column, first, path) for column in columns]
    first_row = 1 if named or header else 0
    # Only a first row without a label says that there are none.
    unlabelled = not given and not named and len(first) == 2

    def rows():
        for line, row in itertools.islice(_cells(path), first_row, None):
            if len(row) <= max(places):
                yield Row(
                    line,
                    problem=f"it has {len(row)} columns, and column "
                    f"{max(places) + 1} is asked for.",
                )
            elif unlabelled and len(row) == 3:
                yield Row(line, problem=_LABEL_TOO)
            else:
                yield Row(line, *(row[place] for place in places))

    return RowSource(path, len(columns) == 3, rows)


def read_jsonl(path, columns):
    """A `RowSource` of a jsonl file; arguments as of `read_pairs`."""
    records = (_parse(line) for line in _lines(path))
    objects = (record for record in records if isinstance(record, dict))
    given = columns is not None
    columns = named_columns(columns, objects, path)
    unlabelled = not given and len(columns) == 2

    def rows():
        for line, text in enumerate(_lines(path), start=1):
            record = _parse(text)
            if not isinstance(record, dict):
                yield Row(line, problem=f"it is no JSON object: {record!r}.")
                continue
            missing = [name for name in columns if name not in record]
            if missing:
                names = ", ".join(missing)
                yield Row(line, problem=f"it has no {names}.")
            elif unlabelled and any(name in record for name in _LABEL):
                yield Row(line, problem=_LABEL_TOO)
            else:
                yield Row(line, *(record[name] for name in columns))

    return RowSource(path, len(columns) == 3, rows)


def named_columns(columns, found, path):
    """The names of two or three columns of a file whose columns have names.

    Args:
        columns: as of `read_pairs`; None for well-known ones.
        found: the names that there are, as often as they are looked for: an
            iterable of lists or dicts.
        path: path of the file, for messages.
    """
    if columns is None:
        columns = next(filter(None, map(_known_columns, found)), None)
        if columns is None:
            raise ValueError(
                f"{path}: found no well-known column names, such as text_a, "
                "text_b and label. Name them by `columns`."
            )
        return columns
    columns = _check_columns(columns)
    if not isinstance(columns[0], str):
        raise ValueError(
            f"`columns` of a {path.suffix[1:]} file are names. Received: "
            f"columns={columns}."
        )
    return columns


def _lines(path):
    """The lines of a file without their ends; only "\\n" ends a line.

    Bytes that are not UTF-8 come as lone surrogates, which whoever checks the
    texts finds.
    """
    with open(
        path, encoding="utf-8-sig", errors="surrogateescape", newline="\n"
    ) as file:
        for line in file:
            yield line.removesuffix("\n").removesuffix("\r")


def _cells(path):
    """The number and the cells of each row of a table."""
    if path.suffix == ".csv":
        return _csv_cells(path)
    # A quote is a character like others in a tsv file.
    return ((n, line.split("\t")) for n, line in enumerate(_lines(path), 1))


def _csv_cells(path):
    """As `_cells`, by the line in which a row begins.

    Strictly: a quote that nothing closes would make one text of all that
    comes after it.
    """
    lines = (line + "\n" for line in _lines(path))
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(
                f"{path}, line {line}: {error}. Close each quote that begins a "
                "text, and double those inside of it."
            ) from error
        yield line, row


def _parse(line):
    try:
        return json.loads(line)
    except ValueError:
        return line


def _known_columns(names):
    """The well-known names among `names`, or None without both texts."""
    found = [
        next((name for name in known if name in names), None)
        for known in (_TEXT_A, _TEXT_B, _LABEL)
    ]
    if None in found[:2]:
        return None
    return tuple(name for name in found if name is not None)


def _check_columns(columns):
    columns = (columns,) if isinstance(columns, str) else tuple(columns)
    kinds = {type(column) for column in columns}
    if len(columns) not in (2, 3) or kinds not in ({str}, {int}):
        raise ValueError(
            "`columns` must be two or three names, or two or three positions "
            "from 0: the first text, the second and the label. Received: "
            f"columns={columns}."
        )
    return columns


def _place(column, first, path):
    """The position of a column, given by name or position."""
    if isinstance(column, str):
        if column not in first:
            raise ValueError(
                f"{path}, line 1: there is no column {column!r}. The header "
                f"has: {', '.join(first)}."
            )
        return first.index(column)
    if not 0 <= column < len(first):
        raise ValueError(
            f"{path}, line 1: there is no column {column}; positions run from "
            f"0 to {len(first) - 1}."
        )
    return column
