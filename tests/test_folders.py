"""Folders and files are written completely or not at all."""

from pathlib import Path

import pytest

from semmatch._folders import writing_file
from semmatch._folders import writing_folder


def write(path, **files):
    with writing_folder(path) as folder:
        for name, text in files.items():
            (folder / name).write_text(text)


def content(path):
    return {file.name: file.read_text() for file in path.iterdir()}


@pytest.mark.parametrize("kind", [str, Path])
def test_the_folder_and_those_above_it_are_made(tmp_path, kind):
    write(kind(tmp_path / "a" / "b"), one="1", two="2")
    assert content(tmp_path / "a" / "b") == {"one": "1", "two": "2"}
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]


def test_nothing_has_the_name_before_all_is_written(tmp_path):
    with writing_folder(tmp_path / "out") as folder:
        assert not (tmp_path / "out").exists()
        # A rename works within one disk alone.
        assert folder.parent == tmp_path
        (folder / "file").write_text("new")
    assert content(tmp_path / "out") == {"file": "new"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failing_writer_leaves_nothing(tmp_path, error):
    with pytest.raises(error), writing_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_failing_writer_leaves_what_was_there(tmp_path):
    write(tmp_path / "out", file="old")
    with pytest.raises(OSError), writing_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("half")
        raise OSError("the disk is full")
    assert content(tmp_path / "out") == {"file": "old"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_files_of_the_same_name_are_replaced_and_others_stay(tmp_path):
    write(tmp_path / "out", file="old", other="stays")
    write(tmp_path / "out", file="new")
    assert content(tmp_path / "out") == {"file": "new", "other": "stays"}


def test_a_folder_inside_is_replaced_with_all_that_it_had(tmp_path):
    for name in ("old", "new"):
        with writing_folder(tmp_path / "out") as folder:
            (folder / "part").mkdir()
            (folder / "part" / name).write_text(name)
    assert content(tmp_path / "out" / "part") == {"new": "new"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_way_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "out"
    path.write_text("mine")
    message = f"Expected a folder to write to. {path} is a file"
    with pytest.raises(FileExistsError, match=message), writing_folder(path):
        pytest.fail("the writer ran")
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_has_its_name_once_all_is_written(tmp_path, kind):
    path = tmp_path / "a" / "out"
    with writing_file(kind(path)) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    with writing_file(path) as file:
        file.write(b"newer")
        assert path.read_bytes() == b"new"
    assert path.read_bytes() == b"newer"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failing_writer_leaves_the_file_that_was_there(tmp_path, error):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(error), writing_file(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_of_a_file_is_refused(tmp_path):
    message = f"Expected a file to write. {tmp_path} is a folder"
    with (
        pytest.raises(IsADirectoryError, match=message),
        writing_file(tmp_path),
    ):
        pytest.fail("the writer ran")
    assert list(tmp_path.iterdir()) == []
