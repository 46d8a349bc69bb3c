"""Reads pairs of texts from the files that people keep them in."""

import csv
import json
import math
import warnings
from pathlib import Path
from typing import NamedTuple

from semmatch._checks import check_one_of
from semmatch.data.records import Pairs

# Names of columns that are recognised without being told.
_TEXT_A = ("text_a", "text1", "sentence1", "sentence_a", "question1", "query")
_TEXT_B = ("text_b", "text2", "sentence2", "sentence_b", "question2", "answer")
_LABEL = ("label", "score", "similarity", "is_duplicate")

# How many skipped rows a warning spells out; `Pairs.skipped` has all.
_SHOWN = 5


class _Row(NamedTuple):
    """A row as it stands in a file; `text_a` None where it is unusable."""

    line: int
    text_a: str | None = None
    text_b: str | None = None
    label: object = None
    problem: str | None = None


def read_pairs(path, *, columns=None, header=None, on_error="raise"):
    """Reads pairs of texts and their labels.

    Args:
        path: a `.tsv`, `.csv` or `.jsonl` file, or a folder that holds
            `{split}.seq1.in`, `{split}.seq2.in` and, if there are labels,
            `{split}.label`, a text or a number a line.
        columns: two or three names or positions (from 0) of the first text,
            the second and the label. None takes well-known names (`text_a`,
            `sentence1`, `question1`, …) where the first line has them, else
            the first two or three positions.
        header: bool, whether the first line of a tsv or csv file names the
            columns; None finds out: it does if `columns` are names.
        on_error: `"raise"`, or `"skip"` to leave bad rows out with a warning
            that counts them; `Pairs.skipped` lists them all.

    Returns:
        `Pairs`. Labels are int64 if all are whole numbers, else float32.

    Raises:
        FileNotFoundError: if the file or one of the folder's is missing.
        ValueError: for a row that cannot be read (with file, line and
            column), for unequal files, an unknown column, or no rows.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "pairs.tsv"
    ...     _ = path.write_text("怎么还款\\t如何还款\\t1\\n", encoding="utf-8")
    ...     read_pairs(path).label.tolist()
    [1]
    """
    check_one_of(on_error, ("raise", "skip"), "on_error")
    path = Path(path)
    if path.is_dir():
        if columns is not None or header is not None:
            raise ValueError(
                f"`columns` and `header` describe a table, and {path} is a "
                "folder of one file a column. Leave them out."
            )
        source, has_label, rows = _read_folder(path)
    elif not path.is_file():
        raise FileNotFoundError(f"There is no file or folder at {path}.")
    elif path.suffix == ".jsonl":
        if header is not None:
            raise ValueError(
                "`header` is for tsv and csv files. Leave it out for "
                f"{path.name}."
            )
        source, has_label, rows = _read_jsonl(path, columns)
    elif path.suffix in (".tsv", ".csv"):
        source, has_label, rows = _read_table(path, columns, header)
    else:
        raise ValueError(
            f"{path} must end in .tsv, .csv or .jsonl, or be a folder. "
            f"Received: {path.suffix!r}."
        )
    return _collect(source, has_label, rows, on_error)


def _collect(source, has_label, rows, on_error):
    """Checks each row and builds the pairs."""
    text_a, text_b, label, skipped = [], [], [], []
    for row in rows:
        problem = row.problem or _problem(row, has_label)
        if problem is None:
            text_a.append(row.text_a)
            text_b.append(row.text_b)
            label.append(float(row.label) if has_label else 0.0)
        elif on_error == "skip":
            skipped.append(f"{source}, line {row.line}: {problem}")
        else:
            raise ValueError(
                f"{source}, line {row.line}: {problem} Mend the file, or read "
                "it with on_error='skip'."
            )
    if skipped:
        shown = "\n".join(skipped[:_SHOWN])
        more = len(skipped) - _SHOWN
        tail = f"\nand {more} more, see `Pairs.skipped`" if more > 0 else ""
        warnings.warn(
            f"{source}: skipped {len(skipped)} of "
            f"{len(skipped) + len(text_a)} rows:\n{shown}{tail}",
            stacklevel=3,
        )
    if not text_a:
        raise ValueError(f"{source} has no usable rows.")
    return Pairs(text_a, text_b, label if has_label else None, tuple(skipped))


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
    if not math.isfinite(number):
        return f"the label is not finite: {row.label!r}."
    return None


def _lines(path):
    """The lines of a file without their ends; only "\\n" ends a line.

    Bytes that are not UTF-8 come as lone surrogates, which `_problem` finds.
    """
    text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def _read_folder(folder):
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
    columns = [_lines(file) for file in files]
    if len({len(column) for column in columns}) > 1:
        counts = ", ".join(
            f"{file.name} has {len(column)} lines"
            for file, column in zip(files, columns, strict=True)
        )
        raise ValueError(
            f"The files of {folder} must have a line for each pair: {counts}."
        )
    rows = (
        _Row(line, *values)
        for line, values in enumerate(zip(*columns, strict=True), start=1)
    )
    return folder / f"{stem}.*", len(files) == 3, rows


def _read_table(path, columns, header):
    lines = _lines(path)
    if path.suffix == ".csv":
        reader = csv.reader(line + "\n" for line in lines)
        cells = [(reader.line_num, row) for row in _whole(reader, path)]
    else:
        # A quote is a character like others in a tsv file.
        cells = [(n, line.split("\t")) for n, line in enumerate(lines, 1)]
    if not cells:
        return path, False, iter(())
    first = cells[0][1]
    if columns is None:
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
    if named or header:
        cells = cells[1:]

    def rows():
        for line, row in cells:
            if len(row) <= max(places):
                yield _Row(
                    line,
                    problem=f"it has {len(row)} columns, and column "
                    f"{max(places) + 1} is asked for.",
                )
            else:
                yield _Row(line, *(row[place] for place in places))

    return path, len(columns) == 3, rows()


def _whole(reader, path):
    """The rows of a csv reader, its own errors with file and line."""
    try:
        yield from reader
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}.") from error


def _read_jsonl(path, columns):
    if columns is not None:
        columns = _check_columns(columns)
        if not isinstance(columns[0], str):
            raise ValueError(
                "`columns` of a jsonl file are names. Received: "
                f"columns={columns}."
            )
    lines = _lines(path)
    records = [_parse(line) for line in lines]
    if columns is None:
        known = (_known_columns(r) for r in records if isinstance(r, dict))
        columns = next(filter(None, known), None)
    if columns is None:
        raise ValueError(
            f"{path}: found no well-known column names, such as text_a, "
            "text_b and label. Name them by `columns`."
        )

    def rows():
        for line, record in enumerate(records, start=1):
            if not isinstance(record, dict):
                yield _Row(line, problem=f"it is no JSON object: {record!r}.")
                continue
            missing = [name for name in columns if name not in record]
            if missing:
                names = ", ".join(missing)
                yield _Row(line, problem=f"it has no {names}.")
            else:
                yield _Row(line, *(record[name] for name in columns))

    return path, len(columns) == 3, rows()


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
