"""The figures of a training, an epoch a row, for people and for programs."""

import csv
import io
import json
import math
import os
from pathlib import Path

from semmatch._folders import writing_file

_LINES = "metrics.jsonl"
_TABLE = "metrics.csv"


def read_metrics(folder):
    """The rows of a training, none where nobody wrote any.

    Args:
        folder: path.

    Returns:
        A list of dicts.

    Raises:
        ValueError: for a line that is no JSON; names it.
    """
    path = Path(folder) / _LINES
    if not path.is_file():
        return []
    return [
        _row(line, f"{path}, line {number}")
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
    ]


def write_metrics(folder, rows):
    """Writes `metrics.csv` and `metrics.jsonl`, each whole or not at all.

    Args:
        folder: path.
        rows: list of dicts of numbers; a figure that one row lacks is empty
            in the table. What is not finite is null in JSON.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_metrics(folder, [{"epoch": 1, "loss": 0.5}, {"epoch": 2}])
    ...     print((Path(folder) / "metrics.csv").read_text())
    epoch,loss
    1,0.5
    2,
    <BLANKLINE>
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = io.StringIO()
    writer = csv.DictWriter(table, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(Path(folder) / _TABLE, table.getvalue())
    lines = "".join(json.dumps(finite(row)) + "\n" for row in rows)
    write_text(Path(folder) / _LINES, lines)


def write_json(path, record):
    """Writes a record as JSON, whole or not at all.

    Args:
        path: path.
        record: JSON values; what is not finite is null.
    """
    text = json.dumps(finite(record), indent=2, ensure_ascii=False)
    write_text(path, f"{text}\n")


def write_text(path, text):
    """Writes a text, whole or not at all, also where power is lost."""
    with writing_file(path) as file:
        file.write(text.encode("utf-8"))
        file.flush()
        # A rename may reach the disk before the contents of the file do.
        os.fsync(file.fileno())


def finite(value):
    """JSON values, None for numbers that JSON does not have.

    >>> finite({"loss": math.nan, "all": [1.0]})
    {'loss': None, 'all': [1.0]}
    """
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _row(line, where):
    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError(
            f"{where} must be JSON, the figures of an epoch: {error}. Delete "
            "the line, or give `RunFolder` another folder."
        ) from error
