"""Reads JSON files, with errors that name them."""

import json
from pathlib import Path


def read_json_object(path):
    """The dict that a file holds.

    Args:
        path: path of a UTF-8 file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "config.json"
    ...     _ = file.write_text('{"a": 1}')
    ...     read_json_object(file)
    {'a': 1}

    Raises:
        ValueError: if it is no JSON, or JSON of another kind.
    """
    return _read(path, dict, "object")


def read_json_list(path):
    """The list that a file holds, as `read_json_object` reads a dict."""
    return _read(path, list, "array")


def _read(path, kind, name):
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is not readable as JSON: {error}. Write or copy it again."
        ) from error
    if not isinstance(record, kind):
        raise ValueError(
            f"{path} must hold a JSON {name}. Received: a "
            f"{type(record).__name__}. Write or copy it again."
        )
    return record
