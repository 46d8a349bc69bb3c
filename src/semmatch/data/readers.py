"""Reads pairs of texts from the files that people keep them in."""

import math
import warnings
from pathlib import Path

from semmatch._checks import check_one_of
from semmatch.data.records import Pairs
from semmatch.data.row_sources import read_folder
from semmatch.data.row_sources import read_jsonl
from semmatch.data.row_sources import read_table

# How many skipped rows a warning spells out; `Pairs.skipped` has all.
_SHOWN = 5


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
        source, has_label, rows = read_folder(path)
    elif not path.is_file():
        raise FileNotFoundError(f"There is no file or folder at {path}.")
    elif path.suffix == ".jsonl":
        if header is not None:
            raise ValueError(
                "`header` is for tsv and csv files. Leave it out for "
                f"{path.name}."
            )
        source, has_label, rows = read_jsonl(path, columns)
    elif path.suffix in (".tsv", ".csv"):
        source, has_label, rows = read_table(path, columns, header)
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
