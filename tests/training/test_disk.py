"""Folders that cannot be written to are told before a training."""

import collections
import shutil

import keras
import numpy as np
import pytest

from semmatch.training.disk import check_callback_folders
from semmatch.training.disk import check_folder
from semmatch.training.disk import num_bytes
from semmatch.training.disk import state
from tests.training import toy_training as toy


def test_a_folder_is_made_and_left_empty(tmp_path):
    folder = check_folder(tmp_path / "a" / "b", 1000, "`X`")
    assert folder == tmp_path / "a" / "b"
    assert list(folder.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(OSError, match="`X` cannot write to the folder"):
            check_folder(path, 0, "`X`")


def test_a_folder_of_somebody_else_is_told(tmp_path, monkeypatch):
    def refused(**kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    message = r"cannot write .*\(Permission denied\)\. Give another folder"
    with pytest.raises(PermissionError, match=message):
        check_folder(tmp_path, 0, "`X`")


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(3 * 2**20))
    check_folder(tmp_path, 3 * 2**20, "`X`")
    message = r"`X` needs 4 MiB in .*, and its disk has 3 MiB left\. Free some"
    with pytest.raises(OSError, match=message):
        check_folder(tmp_path, 4 * 2**20, "`X`")


def test_bytes_are_those_of_all_variables():
    model = toy.toy_model()
    # An embedding of 64 x 4, a kernel of 4 and a bias, in float32.
    weights = 4 * (64 * 4 + 4 + 1)
    assert num_bytes(model.trainable_variables) == weights
    others = num_bytes(model.non_trainable_variables)
    assert others > 0  # a seed, whose type is the backend's
    steps = num_bytes([model.optimizer.iterations])
    model.optimizer.build(model.trainable_variables)
    # Two moments and an average; the learning rate.
    assert num_bytes(state(model)) == 4 * weights + others + steps + 4
    half = keras.Variable(np.zeros((3, 5)), dtype="bfloat16")
    assert num_bytes([half]) == 30


@pytest.mark.parametrize(
    "build, folder",
    [
        (lambda p: keras.callbacks.ModelCheckpoint(f"{p}/a/m.keras"), "a"),
        (
            lambda p: keras.callbacks.ModelCheckpoint(
                f"{p}/a/{{epoch}}/x.weights.h5", save_weights_only=True
            ),
            "a",
        ),
        (lambda p: keras.callbacks.BackupAndRestore(f"{p}/a"), "a"),
        (lambda p: keras.callbacks.CSVLogger(f"{p}/a/log.csv"), "a"),
        (lambda p: keras.callbacks.TensorBoard(f"{p}/a"), "a"),
    ],
)
def test_callbacks_of_keras_are_looked_at_before_the_training(
    tmp_path, build, folder
):
    model = toy.toy_model()
    check_callback_folders([build(tmp_path)], model)
    assert [path.name for path in tmp_path.iterdir()] == [folder]
    (tmp_path / folder).rmdir()
    (tmp_path / folder).touch()
    batches = toy.Batches()
    with pytest.raises(OSError, match="cannot write to the folder"):
        toy.fit(model, toy.toy_data(), batches, build(tmp_path))
    assert not batches.seen


def test_remote_stores_are_left_to_keras(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    remote = keras.callbacks.TensorBoard("gs://bucket/logs")
    check_callback_folders([remote], toy.toy_model())
    assert not list(tmp_path.iterdir())


def test_models_that_are_saved_need_room_and_logs_need_none(
    tmp_path, monkeypatch
):
    usage = collections.namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100))
    model = toy.toy_model()
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    check_callback_folders([logger], model)
    for callback in (
        keras.callbacks.ModelCheckpoint(tmp_path / "m.keras"),
        keras.callbacks.BackupAndRestore(tmp_path),
    ):
        with pytest.raises(OSError, match="disk has 0 MiB left"):
            check_callback_folders([callback], model)
