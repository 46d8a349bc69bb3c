"""A folder from which anybody sees what a training was and what came of it."""

import datetime
import json
import math
import sys
import warnings

import keras
import numpy as np

from semmatch._optional import require
from semmatch.training.cluster import is_chief
from semmatch.training.disk import check_folder
from semmatch.training.disk import local_folder
from semmatch.training.environment import environment
from semmatch.training.guards import TrainingGuard
from semmatch.training.metric_files import read_metrics
from semmatch.training.metric_files import write_json
from semmatch.training.metric_files import write_metrics
from semmatch.training.pace import Pace
from semmatch.training.run import batch_order
from semmatch.training.run import RunCallback
from semmatch.training.run_record import run_record

_ROOM = 2**24
_SUMMARY = "summary.json"


class RunFolder(RunCallback):
    """Writes down a training: what it was, its figures, how it ended.

    - `run.json`, before the first step: the configuration of the model, how
      it was compiled, the arguments of `fit`, size and SHA-256 of the data,
      seeds, versions, devices and the command line.
    - `metrics.csv` and `metrics.jsonl`, after each epoch: its figures, the
      learning rate, seconds of its steps and pairs per second.
    - `summary.json`, at the end: the best epoch and the last one, the figures
      before the training, and the seconds of all steps. Where it is missing,
      the training did not end.
    - `failed_batch.jsonl`, if the loss became NaN.
    - `tensorboard`, if it was asked for.

    With `Resume` the figures go on where they broke off. Of several workers
    the first one writes. If the disk fills up, it warns, and the training
    goes on.

    Args:
        folder: path; one folder for one training.
        tensorboard: bool, whether to write logs of
            `keras.callbacks.TensorBoard` as well.
        notes: dict of JSON values that stand in `run.json`, or None.

    Raises:
        ImportError: with `tensorboard`, if that is not installed.
        FileExistsError: in `fit`, if the folder has another training.
        OSError: in `fit`, before the training, if it cannot be written to.

    >>> RunFolder("runs/1", notes={"why": "more data"}).notes
    {'why': 'more data'}
    """

    def __init__(self, folder, *, tensorboard=False, notes=None):
        super().__init__()
        self.folder = local_folder(folder, "`RunFolder`")
        self.notes = {} if notes is None else dict(notes)
        if tensorboard:
            require("tensorboard", "tensorboard")
            if is_chief():
                self.companions = (
                    keras.callbacks.TensorBoard(self.folder / "tensorboard"),
                )

    def prepare(self, run):
        run.folder = self.folder
        self._run = run
        self._pace = Pace(run)
        self._rows = []
        self._warned = False
        self._writes = is_chief()
        if self._writes:
            check_folder(self.folder, _ROOM, "`RunFolder`")
            self._rows = read_metrics(self.folder)
            self._check_unused()

    def on_train_begin(self, logs=None):
        run = self._run
        # Of an epoch that is trained again, since no checkpoint came after.
        self._rows = [
            row for row in self._rows if row["epoch"] <= run.first_epoch
        ]
        if self._writes:
            # Of a training that failed, and now goes on before that.
            (self.folder / _SUMMARY).unlink(missing_ok=True)
            write_json(self.folder / "run.json", self._record())
            write_metrics(self.folder, self._rows)

    def on_epoch_begin(self, epoch, logs=None):
        self._pace.begin(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self._pace.step(batch)

    def on_epoch_end(self, epoch, logs=None):
        pace, rate = self._pace, self.model.optimizer.learning_rate
        row = {
            "epoch": epoch + 1,
            **_plain(logs),
            "learning_rate": float(keras.ops.convert_to_numpy(rate)),
            "seconds": round(pace.epoch_seconds, 3),
            f"{pace.units}_per_second": float(f"{pace.rate:.4g}"),
        }
        self._rows.append(row)
        self._write()

    def on_train_end(self, logs=None):
        if self._rows:
            self._warned = False  # of what is missing for good
            self._write(self._summary())

    def _write(self, summary=None):
        if not self._writes:
            return
        try:
            write_metrics(self.folder, self._rows)
            if summary is not None:
                write_json(self.folder / _SUMMARY, summary)
        except OSError as error:
            # Days of training are worth more than their figures.
            if not self._warned:
                warnings.warn(
                    f"`RunFolder` cannot write to {self.folder}, and the "
                    f"training goes on: {error}. Free some room for the next "
                    "epoch, which writes the figures of all; the history that "
                    "`fit` returns has them, too.",
                    stacklevel=2,
                )
            self._warned = True

    def _check_unused(self):
        path = self.folder / _SUMMARY
        ended = path.exists()
        failed = ended and json.loads(path.read_bytes()).get("failed")
        if self._run.resumes and (failed or not ended):
            return
        if not ended and not self._rows:
            return
        which = "ended" if ended else "did not end"
        raise FileExistsError(
            f"{self.folder} has a training of {len(self._rows)} epochs that "
            f"{which}. Give `RunFolder` another folder, or delete this one. "
            "One that did not end, or became NaN, is gone on with if `Resume` "
            "is among the callbacks."
        )

    def _record(self):
        run = self._run
        record = run_record(run)
        order = batch_order(run.validation)
        return {
            "begun": _now(),
            "command": sys.argv,
            "notes": self.notes,
            **environment(),
            **record,
            "fit": {"epochs": run.epochs, **record["fit"]},
            "data": {
                "train": record["data"],
                "validation": order and order.describe(),
            },
        }

    def _summary(self):
        rows, callbacks = self._rows, self._run.callbacks
        guard = next(x for x in callbacks if isinstance(x, TrainingGuard))
        return {
            "ended": _now(),
            "epochs": len(rows),
            "seconds": round(sum(row["seconds"] for row in rows), 3),
            "before": guard.before and _plain(guard.before),
            "best": _best(rows, f"val_{guard.monitor}", guard.mode),
            "last": rows[-1],
            "failed": guard.diverged,
        }


def _plain(figures):
    """Figures as numbers, those of several thresholds as lists of them."""
    return {
        name: np.asarray(value, "float64").tolist()
        for name, value in figures.items()
    }


def _best(rows, name, mode):
    """The row of the best epoch, None without validation."""
    known = [row for row in rows if row.get(name) is not None]
    known = [row for row in known if math.isfinite(row[name])]
    if not known:
        return None
    choose = max if mode == "max" else min
    return choose(known, key=lambda row: row[name])


def _now():
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")
