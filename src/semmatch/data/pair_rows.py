"""Rows of any source, and whether they are pairs that can be used."""

import itertools
import math
from pathlib import Path

import numpy as np

from semmatch.data.parquet_rows import read_parquet
from semmatch.data.row_sources import read_folder
from semmatch.data.row_sources import read_jsonl
from semmatch.data.row_sources import read_table
from semmatch.data.row_sources import Row
from semmatch.data.row_sources import RowSource

# How many skipped rows a warning spells out.
_SHOWN = 5

_KINDS = (tuple, list)

# Labels are float32 in the end.
_LARGEST_LABEL = float(np.finfo("float32").max)


def open_rows(path, columns, header):
    """The `RowSource` of a path; arguments as of `read_pairs`."""
    path = Path(path)
    if path.is_dir():
        if columns is not None or header is not None:
            raise ValueError(
                f"`columns` and `header` describe a table, and {path} is a "
                "folder of one file a column. Leave them out."
            )
        return read_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file or folder at {path}.")
    if path.suffix in (".tsv", ".csv"):
        return read_table(path, columns, header)
    readers = {".jsonl": read_jsonl, ".parquet": read_parquet}
    if path.suffix not in readers:
        raise ValueError(
            f"{path} must end in .tsv, .csv, .jsonl or .parquet, or be a "
            f"folder. Received: {path.suffix!r}."
        )
    if header is not None:
        raise ValueError(
            f"`header` is for tsv and csv files. Leave it out for {path.name}."
        )
    return readers[path.suffix](path, columns)


def rows_of_pairs(pairs):
    """The `RowSource` of an iterable of pairs.

    Args:
        pairs: iterable of `(text_a, text_b)` or `(text_a, text_b, label)`;
            the first says whether there are labels.

    >>> source = rows_of_pairs([("怎么还款", "如何还款", 1)])
    >>> source.has_label, next(source.rows()).text_b
    (True, '如何还款')
    """
    iterator = iter(pairs)
    first = list(itertools.islice(iterator, 1))
    width = len(first[0]) if first and isinstance(first[0], _KINDS) else 0
    if first and width not in (2, 3):
        raise ValueError(
            "Expected pairs (text_a, text_b) or (text_a, text_b, label). "
            f"Received: {first[0]!r}."
        )
    # Its iterators may share a state, as those of a cursor of a database do.
    unread = [itertools.chain(first, iterator)]

    def rows():
        if unread:
            found = unread.pop()
        elif iterator is not pairs:
            found = pairs
        else:
            raise ValueError(
                "The source is an iterator that was read before. Pass a new "
                "one, or a list."
            )
        for number, pair in enumerate(found, start=1):
            if isinstance(pair, _KINDS) and len(pair) == width:
                yield Row(number, *pair)
            else:
                yield Row(
                    number,
                    problem=f"it must have {width} parts as the first pair: "
                    f"{pair!r}.",
                )

    return RowSource(
        "The source", width == 3, rows, "pair", "Mend or drop it before."
    )


def usable_pairs(source, on_skip=None):
    """The pairs of a source, `(text_a, text_b, label)` one by one.

    Labels are floats, None where the source has none.

    Args:
        source: `RowSource`.
        on_skip: function that is told of each bad row, by a sentence with
            its place; None for a bad row to end the reading.

    Raises:
        ValueError: for a bad row, without `on_skip`.

    >>> source = rows_of_pairs([("怎么还款", "如何还款"), ("还款", " ")])
    >>> list(usable_pairs(source, on_skip=print))
    The source, pair 2: the second text is empty.
    [('怎么还款', '如何还款', None)]
    """
    for row in source.rows():
        problem = row.problem or _problem(row, source.has_label)
        if problem is None:
            label = float(row.label) if source.has_label else None
            yield row.text_a, row.text_b, label
            continue
        sentence = f"{source.name}, {source.unit} {row.number}: {problem}"
        if on_skip is None:
            raise ValueError(f"{sentence} {source.advice}")
        on_skip(sentence)


def skipped_message(name, skipped, num_skipped, num_rows, attribute):
    """A sentence on rows that were left out, with the first of them.

    Args:
        name: what was read.
        skipped: list of strings, of which the first are shown.
        num_skipped: int.
        num_rows: int, of all rows.
        attribute: str, where the others are.
    """
    shown = "\n".join(skipped[:_SHOWN])
    more = num_skipped - _SHOWN
    tail = f"\nand {more} more, see `{attribute}`" if more > 0 else ""
    return f"{name}: skipped {num_skipped} of {num_rows} rows:\n{shown}{tail}"


def _problem(row, has_label):
    """What is wrong with a row, as a sentence, or None."""
    for name, text in (("first", row.text_a), ("second", row.text_b)):
        if not isinstance(text, str):
            return f"the {name} text is no string: {text!r}."
        if not text.strip():
            return f"the {name} text is empty."
        if not text.isascii():
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                return (
                    f"the {name} text is not valid UTF-8 at character "
                    f"{error.start + 1}: {text!r}. Convert the file from its "
                    "encoding, for instance GB18030."
                )
    if not has_label:
        return None
    try:
        number = float(row.label)
    except (TypeError, ValueError):
        return f"the label is no number: {row.label!r}."
    except OverflowError:
        number = math.inf
    if not abs(number) <= _LARGEST_LABEL:
        return f"the label is not finite: {row.label!r}."
    return None
