"""Folders that a JSON file describes, read as they were written."""

import hashlib
from pathlib import Path

from semmatch._json import read_json_object

# What is hashed of a large file.
_BLOCKS = 256
_BLOCK = 2**16


def read_record(path, version, types, writer):
    """The dict that a folder's JSON file holds, without its version.

    Args:
        path: path of the file.
        version: int, the `format_version` that is understood.
        types: dict from each other key to the type of its value.
        writer: str, what writes such folders, for the message.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, of another version, lacks a key or has
            one too many, or a value of another type.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected a folder that `{writer}` wrote, with {path.name} in "
            f"it. Received: {path.parent}."
        )
    record = read_json_object(path)
    found = record.pop("format_version", None)
    if found != version:
        raise ValueError(
            f"{path} has format version {found}; this semmatch reads version "
            f"{version}. Save it again, or install the semmatch that wrote it."
        )
    if set(record) != set(types):
        raise ValueError(
            f"{path} must have the keys {sorted(types)}. Received: "
            f"{sorted(record)}. Copy the folder again, or save it again."
        )
    for key, value in record.items():
        if not isinstance(value, types[key]):
            raise ValueError(
                f"{path} has a wrong value of {key}: {value!r}. Copy the "
                "folder again, or save it again."
            )
    return record


def sha256(path):
    """The SHA-256 of a whole file, as a string of hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_digest(path):
    """The size and a SHA-256 of a file, as JSON types.

    Of a file above 16 MiB it is that of 256 blocks of 64 KiB that are spread
    evenly: to hash gigabytes of vectors takes longer than to read them.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.txt"
    ...     _ = file.write_text("done")
    ...     file_digest(file)["bytes"]
    4
    """
    path = Path(path)
    size = path.stat().st_size
    if size <= _BLOCKS * _BLOCK:
        return {"bytes": size, "sha256": sha256(path)}
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for number in range(_BLOCKS):
            # From the first byte to the last.
            stream.seek((size - _BLOCK) * number // (_BLOCKS - 1))
            digest.update(stream.read(_BLOCK))
    return {"bytes": size, "sha256": digest.hexdigest()}


def check_file(path, expected, source):
    """`path`, if it is the file that `expected` describes.

    Args:
        path: path.
        expected: what `file_digest` gave when it was written.
        source: path of the file that says so, for the message.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if it was cut short or changed.
    """
    path = Path(path)
    if not (
        isinstance(expected, dict) and set(expected) == {"bytes", "sha256"}
    ):
        raise ValueError(
            f"{source} must give bytes and sha256 of {path.name}. Received: "
            f"{expected!r}. Copy the folder again, or save it again."
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"{path.parent} lacks {path.name}, which {source.name} lists. "
            "Copy the whole folder again."
        )
    # The size first: it costs nothing, and most damage is a copy cut short.
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise ValueError(
            f"{path} is not the file that was saved: it has {size:,} bytes of "
            f"{expected['bytes']:,}. Copy the folder again, or save it again."
        )
    if file_digest(path) != expected:
        raise ValueError(
            f"{path} is not the file that was saved: its SHA-256 differs from "
            f"the one in {source.name}. Copy the folder again, or save it "
            "again."
        )
    return path
