"""Two workers, one of which is killed, go on and end as if it had not been."""

import argparse
import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from semmatch import pair_dataset
from semmatch.training import AdamW
from semmatch.training import Resume
from semmatch.training import RunFolder
from semmatch.training import strategy
from semmatch.training.cluster import read_cluster
from semmatch.training.metric_files import read_metrics
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import to_numpy
from tests.training import toy_training as toy

pytestmark = [tensorflow_only, pytest.mark.slow]


class KilledOnce(keras.callbacks.Callback):
    """Worker 1 is killed in the second epoch, after a checkpoint."""

    def __init__(self, folder):
        super().__init__()
        self.marker = Path(folder) / "killed"
        self.step = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.step += 1
        is_due = self.step == 9 and read_cluster().index == 1
        if is_due and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
    folder = options.folder
    replicas = strategy()
    keras.utils.set_random_seed(3)
    with replicas.scope():
        model = tiny_model(tiny_encoder(num_layers=1))
        model.compile(AdamW(0.05, use_ema=True, ema_momentum=0.5))
    data = pair_dataset(
        toy.PAIRS, model.preprocessor, batch_size=16, shuffle=True
    )
    callbacks = [Resume(folder / "checkpoints", 3), RunFolder(folder / "run")]
    if options.kill:
        callbacks.append(KilledOnce(folder))
    history = model.fit(data, epochs=2, callbacks=callbacks, verbose=0)
    arrays = [to_numpy(variable) for variable in model.variables]
    index = read_cluster().index
    np.savez(folder / f"{index}.npz", *arrays, loss=history.history["loss"])


def run(folder, *arguments):
    from semmatch._launch import launch

    folder.mkdir()
    command = [sys.executable, "-m", __name__, str(folder), *arguments]
    assert launch(command, 2, len(arguments)) == 0
    found = []
    for place in (0, 1):
        with np.load(folder / f"{place}.npz") as arrays:
            found.append(dict(arrays))
    return found


def test_a_killed_worker_changes_nothing(tmp_path):
    alone, other = run(tmp_path / "alone")
    killed = run(tmp_path / "killed", "--kill")
    assert (tmp_path / "killed" / "killed").exists()
    for found in (other, *killed):
        # A mean over workers, which is read and written in float32.
        np.testing.assert_allclose(found["loss"], alone["loss"], rtol=1e-6)
        for name in alone.keys() - {"loss"}:
            np.testing.assert_array_equal(found[name], alone[name], name)
    # The first one writes what the training was, and no checkpoint is left.
    rows = read_metrics(tmp_path / "killed" / "run")
    losses = [row["loss"] for row in rows]
    np.testing.assert_allclose(losses, alone["loss"], rtol=1e-6)
    assert not any((tmp_path / "killed" / "checkpoints").iterdir())


if __name__ == "__main__":
    main()
