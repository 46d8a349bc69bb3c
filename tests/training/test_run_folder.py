"""A training writes down what it was and what came of it."""

import csv
import importlib.util
import json
import os
import sys
import warnings

import keras
import numpy as np
import pytest

from semmatch.training import Resume
from semmatch.training import run_folder as module
from semmatch.training import RunFolder
from semmatch.training.metric_files import read_metrics
from tests import checks
from tests.training import toy_training as toy


def read(folder, name):
    return json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A cross-encoder that was trained, its folder and its history."""
    folder = tmp_path_factory.mktemp("runs") / "1"
    keras.utils.set_random_seed(7)
    model = checks.small_model()
    model.compile(keras.optimizers.SGD(0.1))
    history = model.fit(
        checks.toy_pairs(40),
        validation_data=checks.toy_pairs(30, seed=1),
        batch_size=16,
        epochs=3,
        verbose=0,
        callbacks=[RunFolder(folder, notes={"why": "一试"})],
    )
    return folder, history


def test_what_the_training_was_is_written(trained):
    folder, _ = trained
    record = read(folder, "run.json")
    assert record["notes"] == {"why": "一试"}
    assert record["seed"] == 7
    assert record["command"] == sys.argv
    assert record["versions"]["keras"] == keras.version()
    assert record["machine"]["backend"] == keras.config.backend()
    assert record["machine"]["devices"]
    assert record["model"]["class"] == "CrossEncoder"
    assert record["model"]["config"]["pooling"] == "max"
    rate = record["compile"]["optimizer"]["config"]["learning_rate"]
    assert rate == pytest.approx(0.1)
    assert record["fit"]["epochs"] == 3
    train, held = record["data"]["train"], record["data"]["validation"]
    assert (train["rows"], train["order"]) == (40, "shuffle")
    assert (held["rows"], held["order"]) == (30, "sort")
    assert len({train["sha256"], held["sha256"]}) == 2


def test_the_figures_of_epochs_are_those_of_the_history(trained):
    folder, history = trained
    with open(folder / "metrics.csv", newline="") as file:
        table = list(csv.DictReader(file))
    rows = read_metrics(folder)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    for name, values in history.history.items():
        assert [row[name] for row in rows] == values
        assert [float(row[name]) for row in table] == values
    for row in rows:
        assert row["learning_rate"] == pytest.approx(0.1)
        expected = 40 / row["seconds"]
        assert row["pairs_per_second"] == pytest.approx(expected, rel=0.02)


def test_the_summary_has_the_best_epoch(trained):
    folder, history = trained
    summary, rows = read(folder, "summary.json"), read_metrics(folder)
    best = int(np.argmax(history.history["val_accuracy"]))
    assert summary["best"] == rows[best]
    assert summary["last"] == rows[2]
    assert summary["before"] == history.before
    assert summary["epochs"] == 3
    seconds = sum(row["seconds"] for row in rows)
    assert summary["seconds"] == pytest.approx(seconds, abs=0.01)
    assert summary["failed"] is False
    assert sorted(os.listdir(folder)) == [
        "metrics.csv",
        "metrics.jsonl",
        "run.json",
        "summary.json",
    ]


def train(folder, *callbacks, **options):
    keras.utils.set_random_seed(3)
    model = toy.toy_model()
    return toy.fit(
        model, toy.toy_data(), RunFolder(folder), *callbacks, **options
    )


def test_another_training_does_not_write_over_it(tmp_path):
    train(tmp_path, epochs=1)
    message = "has a training of 1 epochs that ended. Give `RunFolder` another"
    with pytest.raises(FileExistsError, match=message):
        train(tmp_path, epochs=1)
    with pytest.raises(FileExistsError, match=message):
        train(tmp_path, Resume(tmp_path / "c"), epochs=1)


def test_one_that_did_not_end_is_told_unless_it_is_gone_on_with(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, toy.Crash(1, 1))
    message = "1 epochs that did not end. .*gone on with if `Resume`"
    with pytest.raises(FileExistsError, match=message):
        train(tmp_path)


def test_one_that_had_no_epoch_is_begun_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, toy.Crash(0, 1))
    train(tmp_path, epochs=1)
    assert read(tmp_path, "summary.json")["epochs"] == 1


@pytest.mark.parametrize("every", [None, 2])
def test_a_resumed_training_goes_on_with_its_figures(tmp_path, every):
    resume = Resume(tmp_path / "c", every)
    expected = train(tmp_path / "alone").history["loss"]
    folder = tmp_path / "run"
    for crash in ((0, 3), (1, 1)):
        with pytest.raises(KeyboardInterrupt):
            train(folder, resume, toy.Crash(*crash))
    train(folder, resume)
    rows = read_metrics(folder)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert [row["loss"] for row in rows] == expected
    assert read(folder, "summary.json")["epochs"] == 2


def test_an_epoch_that_is_trained_again_stands_there_once(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, Resume(tmp_path / "c"), toy.Crash(1, 1))
    # As if the process had ended after the epoch, before its checkpoint.
    for file in (tmp_path / "c").iterdir():
        file.unlink()
    train(tmp_path, Resume(tmp_path / "c"))
    assert [row["epoch"] for row in read_metrics(tmp_path)] == [1, 2]


def test_without_validation_there_is_no_best_epoch(tmp_path):
    train(tmp_path, epochs=1)
    summary = read(tmp_path, "summary.json")
    assert summary["best"] is summary["before"] is None


def test_figures_of_several_thresholds_are_lists(tmp_path):
    several = keras.metrics.Precision(thresholds=[0.3, 0.5], name="p")
    model = checks.small_model()
    model.compile(metrics=[several])
    pairs = checks.toy_pairs(8)
    model.fit(
        pairs,
        validation_data=pairs,
        epochs=1,
        callbacks=[RunFolder(tmp_path)],
        verbose=0,
    )
    [row] = read_metrics(tmp_path)
    assert len(row["p"]) == len(row["val_p"]) == 2
    assert len(read(tmp_path, "summary.json")["before"]["p"]) == 2


def test_a_store_that_is_no_disk_is_refused():
    with pytest.raises(ValueError, match="`RunFolder` writes .*'s3://bucket'"):
        RunFolder("s3://bucket")


def test_a_training_that_failed_says_so(tmp_path):
    class Ruin(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.layers[-1].bias.assign([np.nan])

    with pytest.warns(UserWarning, match="failed_batch.jsonl"):
        train(tmp_path, Ruin())
    summary = read(tmp_path, "summary.json")
    assert summary["failed"] is True
    assert summary["last"]["loss"] is None
    assert (tmp_path / "failed_batch.jsonl").exists()


def test_a_training_that_failed_is_gone_on_with(tmp_path):
    class Ruin(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.layers[-1].bias.assign([np.nan])

    def again(*callbacks):
        return train(tmp_path, Resume(tmp_path / "c"), *callbacks)

    with pytest.warns(UserWarning, match="failed_batch.jsonl"):
        again(Ruin())
    assert read(tmp_path, "summary.json")["failed"] is True
    with pytest.raises(FileExistsError, match="or became NaN"):
        train(tmp_path)
    again()
    assert read(tmp_path, "summary.json")["failed"] is False
    assert [row["epoch"] for row in read_metrics(tmp_path)] == [1, 2]


def test_of_several_workers_the_first_one_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "is_chief", lambda: False)
    train(tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()


def test_data_that_do_not_say_what_they_are(tmp_path):
    data = toy.toy_data().shuffle(2)
    toy.fit(toy.toy_model(), data, RunFolder(tmp_path), epochs=1)
    assert read(tmp_path, "run.json")["data"]["train"] is None
    [row] = read_metrics(tmp_path)
    expected = toy.STEPS / row["seconds"]
    assert row["batches_per_second"] == pytest.approx(expected, rel=0.02)


class FullDisk:
    """Writes as `write` does, but not in its given calls."""

    def __init__(self, write, full):
        self.write, self.full = write, full
        self.calls = 0

    def __call__(self, *arguments):
        self.calls += 1
        if self.calls in self.full:
            raise OSError(28, "No space left on device")
        self.write(*arguments)


@pytest.mark.parametrize(
    ("full", "num_warnings"), [({2, 3}, 1), ({4}, 1), ({2, 5}, 2)]
)
def test_a_full_disk_is_told_once_and_at_the_end(
    tmp_path, monkeypatch, full, num_warnings
):
    # Written before the training, after three epochs, and at the end.
    disk = FullDisk(module.write_metrics, full)
    monkeypatch.setattr(module, "write_metrics", disk)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = train(tmp_path, epochs=3)
    told = [str(x.message) for x in caught if "RunFolder" in str(x.message)]
    assert len(told) == num_warnings
    message = f"`RunFolder` cannot write to {tmp_path}, and the training goes "
    assert told[0].startswith(message)
    assert "No space left on device. Free some room" in told[0]
    assert history.epoch == [0, 1, 2]
    assert disk.calls == 5
    assert (tmp_path / "summary.json").exists() is (5 not in full)
    if 5 not in full:
        losses = [row["loss"] for row in read_metrics(tmp_path)]
        assert losses == history.history["loss"]


def test_a_summary_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    # The first call is that of `run.json`.
    disk = FullDisk(module.write_json, {2})
    monkeypatch.setattr(module, "write_json", disk)
    with pytest.warns(UserWarning, match="`RunFolder` cannot write to .*space"):
        train(tmp_path, epochs=1)
    assert not (tmp_path / "summary.json").exists()


def test_a_folder_that_cannot_be_written_to_is_told_before(tmp_path):
    (tmp_path / "file").touch()
    batches = toy.Batches()
    with pytest.raises(OSError, match="`RunFolder` cannot write to the folder"):
        train(tmp_path / "file", batches)
    assert not batches.seen


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is not None,
    reason="needs a machine without tensorboard",
)
def test_tensorboard_that_is_not_installed_is_told(tmp_path):
    message = r"needs `tensorboard`. .*pip install 'semmatch\[tensorboard\]'"
    with pytest.raises(ImportError, match=message):
        RunFolder(tmp_path, tensorboard=True)


@pytest.mark.parametrize("chief", [True, False])
def test_the_callback_of_tensorboard_comes_along(tmp_path, monkeypatch, chief):
    monkeypatch.setattr(module, "require", lambda name, extra: None)
    monkeypatch.setattr(module, "is_chief", lambda: chief)
    companions = RunFolder(tmp_path, tensorboard=True).companions
    if not chief:
        assert companions == ()
        return
    [callback] = companions
    assert isinstance(callback, keras.callbacks.TensorBoard)
    assert str(callback.log_dir) == str(tmp_path / "tensorboard")


def test_logs_of_tensorboard_are_written(tmp_path):
    pytest.importorskip("tensorboard")
    folder = RunFolder(tmp_path, tensorboard=True)
    toy.fit(toy.toy_model(), toy.toy_data(), folder, epochs=1)
    assert list((tmp_path / "tensorboard" / "train").iterdir())
