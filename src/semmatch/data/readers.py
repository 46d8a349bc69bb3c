"""Reads pairs of texts from the files that people keep them in."""

import warnings

from semmatch._checks import check_one_of
from semmatch.data.pair_rows import open_rows
from semmatch.data.pair_rows import skipped_message
from semmatch.data.pair_rows import usable_pairs
from semmatch.data.records import Pairs

ON_ERROR = ("raise", "skip")


def read_pairs(path, *, columns=None, header=None, on_error="raise"):
    """Reads pairs of texts and their labels.

    Args:
        path: a `.tsv`, `.csv`, `.jsonl` or `.parquet` file, or a folder that
            holds `{split}.seq1.in`, `{split}.seq2.in` and, if there are
            labels, `{split}.label`, a text or a number a line.
        columns: two or three names or positions (from 0) of the first text,
            the second and the label. None takes well-known names (`text_a`,
            `sentence1`, `question1`, …) where the first line has them, else
            the first two or three positions. Columns of jsonl and parquet
            files are named. Where it is None and the first row has no label,
            a row that has one is a bad row.
        header: bool, whether the first line of a tsv or csv file names the
            columns; None finds out: it does if `columns` are names.
        on_error: `"raise"`, or `"skip"` to leave bad rows out with a warning
            that counts them; `Pairs.skipped` lists them all.

    Returns:
        `Pairs`. Labels are int64 if all are whole numbers, else float32.
        Those that do not fit in memory are read by `PairStream`.

    Raises:
        FileNotFoundError: if the file or one of the folder's is missing.
        ImportError: for a parquet file without pyarrow.
        ValueError: for a row that cannot be read (with file, line and
            column), for unequal files, an unknown column, or no rows.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "pairs.tsv"
    ...     _ = path.write_text("怎么还款\\t如何还款\\t1\\n", encoding="utf-8")
    ...     read_pairs(path).label.tolist()
    [1]
    """
    check_one_of(on_error, ON_ERROR, "on_error")
    source = open_rows(path, columns, header)
    skipped = []
    on_skip = skipped.append if on_error == "skip" else None
    text_a, text_b, label = [], [], []
    for pair in usable_pairs(source, on_skip):
        text_a.append(pair[0])
        text_b.append(pair[1])
        label.append(pair[2])
    if skipped:
        num_rows = len(text_a) + len(skipped)
        message = skipped_message(
            source.name, skipped, len(skipped), num_rows, "Pairs.skipped"
        )
        warnings.warn(message, stacklevel=2)
    if not text_a:
        raise ValueError(f"{source.name} has no usable rows.")
    label = label if source.has_label else None
    return Pairs(text_a, text_b, label, tuple(skipped))
