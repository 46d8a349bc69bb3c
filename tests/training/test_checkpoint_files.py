"""Checkpoints are there whole, the newest two, or not at all."""

import os
import stat

import ml_dtypes
import numpy as np
import pytest

from semmatch.training import checkpoint_files
from semmatch.training.checkpoint_files import CheckpointFiles

ARRAYS = {
    "scalar": np.array(3, "int64"),
    "seeds": np.array([1, 2**32 - 1], "uint32"),
    "transposed": np.arange(6, dtype="float32").reshape(2, 3).T,
    "half": np.array([0.5, 1 / 3], ml_dtypes.bfloat16),
    "flag": np.array([True, False]),
}
RECORD = {"epoch": 1, "best": float("nan"), "name": "借款"}


def test_what_was_written_is_read(tmp_path):
    files = CheckpointFiles(tmp_path / "a" / "b")
    assert files.steps() == []
    files.write(7, ARRAYS, RECORD)
    arrays, record = files.read(7)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert np.isnan(record.pop("best"))
    assert record == {"epoch": 1, "name": "借款"}


def test_the_newest_two_are_kept(tmp_path):
    files = CheckpointFiles(tmp_path)
    for step in (9, 10, 1100):
        files.write(step, ARRAYS, RECORD)
        files.prune(step)
    assert files.steps() == files.readable() == [10, 1100]


def test_those_of_later_steps_go(tmp_path):
    files = CheckpointFiles(tmp_path)
    for step in (5000, 5500, 500, 1000):
        files.write(step, ARRAYS, RECORD)
        files.prune(step)
    assert files.steps() == [500, 1000]


def test_one_is_dropped(tmp_path):
    files = CheckpointFiles(tmp_path)
    for step in (1, 2):
        files.write(step, ARRAYS, RECORD)
    files.drop(2)
    assert files.steps() == [1]


def test_a_file_system_may_not_know_of_folders(tmp_path, monkeypatch):
    fsync = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    files = CheckpointFiles(tmp_path)
    for step in (1, 2, 3):
        files.write(step, ARRAYS, RECORD)
    assert files.steps() == [1, 2, 3]


class Killed(BaseException):
    """In the place of a signal that nobody can catch."""


@pytest.mark.parametrize("place", ["save_file", "_to_disk"])
def test_a_write_that_was_killed_leaves_those_before(
    tmp_path, monkeypatch, place
):
    files = CheckpointFiles(tmp_path)
    files.write(1, ARRAYS, RECORD)

    def killed(path, *arguments):
        if not isinstance(path, dict):
            raise Killed
        with open(arguments[0], "wb") as file:
            file.write(b"half")
        raise Killed

    monkeypatch.setattr(checkpoint_files, place, killed)
    with pytest.raises(Killed):
        files.write(2, ARRAYS, RECORD)
    monkeypatch.undo()
    assert len(os.listdir(tmp_path)) == 2  # and one that is unfinished
    assert files.readable() == [1]
    files.write(3, ARRAYS, RECORD)
    assert files.readable() == [1, 3]
    assert len(os.listdir(tmp_path)) == 2


def test_a_full_disk_leaves_those_before(tmp_path, monkeypatch):
    files = CheckpointFiles(tmp_path)
    files.write(1, ARRAYS, RECORD)
    save_file = checkpoint_files.save_file

    def full(arrays, path, metadata):
        save_file(arrays, path, metadata)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_files, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        files.write(2, ARRAYS, RECORD)
    assert os.listdir(tmp_path) == ["step-000000001.safetensors"]


def test_what_the_format_says_of_a_disk_is_an_error_of_the_disk(tmp_path):
    files = CheckpointFiles(tmp_path)
    (tmp_path / "unfinished").mkdir()
    with pytest.raises(OSError, match="unfinished"):
        files.write(2, ARRAYS, RECORD)


def test_a_damaged_file_is_left_out_and_told(tmp_path):
    files = CheckpointFiles(tmp_path)
    for step in (1, 2):
        files.write(step, ARRAYS, RECORD)
    path = tmp_path / "step-000000002.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="000000002.* is damaged and left out"):
        assert files.readable() == [1]
    with pytest.raises(ValueError, match="is no checkpoint .*the one before"):
        files.read(2)


def test_another_version_is_refused(tmp_path, monkeypatch):
    files = CheckpointFiles(tmp_path)
    monkeypatch.setattr(checkpoint_files, "_VERSION", 2)
    files.write(1, ARRAYS, RECORD)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="version 2; this .* reads version 1"):
        files.read(1)


def test_all_is_deleted_and_what_others_wrote_stays(tmp_path):
    files = CheckpointFiles(tmp_path / "checkpoints")
    files.write(1, ARRAYS, RECORD)
    (files.folder / "unfinished").touch()
    files.delete()
    assert not files.folder.exists()
    files.write(1, ARRAYS, RECORD)
    (files.folder / "notes.txt").touch()
    files.delete()
    assert os.listdir(files.folder) == ["notes.txt"]
