"""A folder's record and files are as they were written, or named."""

import hashlib
import json

import pytest

from semmatch import _saved_folder
from semmatch._saved_folder import check_file
from semmatch._saved_folder import file_digest
from semmatch._saved_folder import read_record

TYPES = {"dim": int, "factory": str | None}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "index.json"
    write(path, {"format_version": 2, "dim": 3, "factory": None})
    return path


def write(path, record):
    path.write_text(json.dumps(record), encoding="utf-8")


def read(path):
    return read_record(path, 2, TYPES, "Index.save")


def test_a_record_is_read_without_its_version(path):
    assert read(path) == {"dim": 3, "factory": None}
    assert read(str(path)) == {"dim": 3, "factory": None}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"dim": 3, "factory": None}, "format version None; .* version 2"),
        ({"format_version": 3}, "format version 3; this semmatch reads"),
        ({"format_version": 2, "dim": 3}, r"must have the keys \['dim', 'f"),
        (
            {"format_version": 2, "dim": 3, "factory": None, "new": 1},
            r"Received: \['dim', 'factory', 'new'\]",
        ),
        (
            {"format_version": 2, "dim": "3", "factory": None},
            "wrong value of dim: '3'",
        ),
        (
            {"format_version": 2, "dim": 3, "factory": 4},
            "wrong value of factory: 4",
        ),
    ],
)
def test_a_record_that_is_not_understood_is_refused(path, record, message):
    write(path, record)
    with pytest.raises(ValueError, match=message):
        read(path)


def test_a_folder_without_a_record_is_named(tmp_path):
    message = "folder that `Index.save` wrote, with none.json in it. Received:"
    with pytest.raises(FileNotFoundError, match=message):
        read(tmp_path / "none.json")


def test_a_file_that_is_as_it_was_passes(path):
    content = path.read_bytes()
    digest = file_digest(path)
    assert digest == {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert check_file(str(path), digest, path) == path


def test_a_file_that_is_cut_short_is_told_by_its_size(path):
    digest = file_digest(path)
    path.write_bytes(path.read_bytes()[:-1])
    size = digest["bytes"]
    with pytest.raises(ValueError, match=f"has {size - 1} bytes of {size}"):
        check_file(path, digest, path)


def test_a_changed_file_of_the_same_size_is_told_by_its_digest(path):
    digest = file_digest(path)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(ValueError, match="index.json is not .* SHA-256 differ"):
        check_file(path, digest, path)


def test_a_missing_file_is_named(path):
    digest = file_digest(path)
    gone = path.with_name("gone.npy")
    with pytest.raises(FileNotFoundError, match="lacks gone.npy, which index"):
        check_file(gone, digest, path)


@pytest.mark.parametrize("expected", [None, "abc", {"sha256": "abc"}])
def test_a_file_that_the_record_does_not_describe_is_refused(path, expected):
    with pytest.raises(ValueError, match="must give bytes and sha256 of index"):
        check_file(path, expected, path)


def test_of_a_large_file_blocks_from_end_to_end_are_hashed(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(_saved_folder, "_BLOCKS", 3)
    monkeypatch.setattr(_saved_folder, "_BLOCK", 4)
    file = tmp_path / "vectors"
    file.write_bytes(b"0123456789abcdef")
    found = file_digest(file)
    expected = hashlib.sha256(b"0123" + b"6789" + b"cdef").hexdigest()
    assert found == {"bytes": 16, "sha256": expected}
    file.write_bytes(b"0123456789abcdeF")
    with pytest.raises(ValueError, match="its SHA-256 differs"):
        check_file(file, found, tmp_path / "index.json")
