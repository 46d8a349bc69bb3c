"""A bar of a whole training: pairs in a second, and the time that is left."""

import sys

import numpy as np
from tqdm import tqdm

from semmatch.training.pace import Pace
from semmatch.training.run import RunCallback


class ProgressBar(RunCallback):
    """Shows one bar for the training, and a line for each epoch.

    It takes the place of Keras's bar. The bar has the pairs of all epochs,
    pairs per second, and the time that is left, validation not included; the
    line has the figures of the epoch. Where the output is no terminal there
    are the lines alone.

    Args:
        file: where to write; None for the standard error of the program.

    >>> ProgressBar().file is None
    True
    """

    def __init__(self, file=None):
        super().__init__()
        self.file = file

    def prepare(self, run):
        self._pace = Pace(run)
        self._run = run

    def on_train_begin(self, logs=None):
        run = self._run
        self._pace.begin(run.first_epoch)
        self._bar = tqdm(
            total=self._pace.total,
            initial=self._pace.done,
            unit=self._pace.unit,
            file=self.file,
            # The first step compiles, and is no measure of the others.
            smoothing=0.1,
            disable=None,
        )

    def on_epoch_begin(self, epoch, logs=None):
        self._pace.begin(epoch)
        self._bar.set_description(f"epoch {epoch + 1}/{self._run.epochs}")

    def on_train_batch_end(self, batch, logs=None):
        self._bar.set_postfix_str(_figures(logs), refresh=False)
        self._bar.update(self._pace.step(batch))

    def on_epoch_end(self, epoch, logs=None):
        pace = self._pace
        line = (
            f"epoch {epoch + 1}/{self._run.epochs}: {_figures(logs)}, "
            f"{pace.rate:,.1f} {pace.units}/s"
        )
        self._bar.write(line, file=self.file or sys.stderr)

    def on_train_end(self, logs=None):
        self._bar.close()


def _figures(logs):
    # Those of several thresholds are no line's.
    return ", ".join(
        f"{name} {value:.4g}"
        for name, value in (logs or {}).items()
        if np.ndim(value) == 0
    )
