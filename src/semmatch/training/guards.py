"""Says what went wrong with a training, while and after it runs."""

import math
import warnings

import keras
import numpy as np

from semmatch.evaluation import roc_auc
from semmatch.evaluation.report import wilson_interval
from semmatch.training.failed_batch import write_failed_batches
from semmatch.training.run import RunCallback

# Scores of a model that tells pairs apart differ by a hundred times more. A
# fresh head may begin below, and then has to fall by as much again.
_COLLAPSED = 1e-3
_FALL = 0.1

# Beyond, encoders are hardly ever fine-tuned.
_HIGHEST_RATE = 2e-4

# So many standard deviations below 0.5 an area under the ROC curve is no
# chance.
_NO_CHANCE = 5

# To read a schedule takes as long as a tenth of a small step.
_BATCHES_A_LOOK = 10


class TrainingGuard(RunCallback):
    """Watches a training and warns with figures when it fails.

    - The loss is not finite: the training stops, and the warning names the
      epoch, the batch and a file with what was in it: in the folder of
      `RunFolder` or `Resume`, else in a temporary one.
    - All scores of validation pairs are one number.
    - Scores of validation pairs are the wrong way round, as they are when the
      labels are.
    - The result is worse than the model was before its first step.

    `CrossEncoder.fit` adds it by itself.

    Args:
        before: dict of the model's validation figures before the training,
            such as `{"loss": 0.69, "accuracy": 0.5}`, or None without them.
        monitor: str, the figure by which epochs are compared.
        mode: `"max"` or `"min"`, which one is better.
        num_examples: int or None, of the validation data: a share, such as an
            accuracy, has to fall by more than chance before it is told.
        sample: function without arguments that gives labels `(n,)` and
            scores, `(n,)` or `(n, classes)`, of some validation pairs; or
            None.

    >>> guard = TrainingGuard({"accuracy": 0.8}, "accuracy", "max")
    >>> guard.before["accuracy"]
    0.8
    """

    def __init__(
        self,
        before=None,
        monitor="loss",
        mode="min",
        num_examples=None,
        sample=None,
    ):
        super().__init__()
        self.before = before
        self.monitor = monitor
        self.mode = mode
        self.num_examples = num_examples
        self.sample = sample
        self.best = None
        self.epoch = 0
        self.highest_rate = 0.0
        self.warned = self.diverged = False
        self.first_spread = math.inf
        self.first_area = None
        self.last_scores = None
        self.looks = 0
        self.run = None

    # What a resumed training takes over from the one before.
    remembered = (
        "before",
        "best",
        "highest_rate",
        "warned",
        "first_spread",
        "first_area",
        "last_scores",
        "looks",
    )

    def prepare(self, run):
        self.run = run

    def on_train_begin(self, logs=None):
        self._look_at_rate()
        if self.sample is not None:
            labels, scores = self.sample()
            self.first_spread = _spread(scores)
            self.first_area = _area(labels, scores)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # All of the first ones, where a schedule rises.
        self.looks += 1
        if self.looks < _BATCHES_A_LOOK or self.looks % _BATCHES_A_LOOK == 0:
            self._look_at_rate()
        # A mean over the epoch so far: the first that is not finite comes
        # with the batch that made it so.
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss) and not self.diverged:
            self.diverged = self.model.stop_training = True
            self._warn_of_loss(loss, batch)

    def on_epoch_end(self, epoch, logs=None):
        name = f"val_{self.monitor}"
        value = (logs or {}).get(name)
        if value is None:
            return
        if self.sample is not None and not self.warned:
            self._check_scores(f"After epoch {epoch + 1}", *self.sample())
        if self.diverged:
            # Scores of NaN match nothing, which may be right quite often: no
            # weights to keep.
            logs.update(
                {name: math.nan for name in logs if name.startswith("val_")}
            )
        elif self.best is None or _better(value, self.best, self.mode):
            self.best = value

    def _is_finite(self):
        return all(
            np.isfinite(keras.ops.convert_to_numpy(weight)).all()
            for weight in self.model.trainable_variables
        )

    def _warn_of_loss(self, loss, batch):
        written = ""
        if self.run is not None:
            path = write_failed_batches(self.run, self.epoch, batch)
            batch = self.run.batch(self.epoch, batch)
            if path is not None:
                written = f" It and the one before are in {path}."
        self._warn(
            f"The loss became {loss} at batch {batch + 1} of epoch "
            f"{self.epoch + 1}, and the training stops: its weights are no "
            "numbers any more. Either a label, a weight or a feature of that "
            "batch is not finite, or the steps are too large: "
            f"{self._rate()}.{written}"
        )

    def _check_scores(self, when, labels, scores):
        if not np.isfinite(scores).all():
            self.diverged = self.model.stop_training = True
            self._warn(
                f"{when} validation scores are no numbers, and the training "
                f"stops: the steps are too large, {self._rate()}."
            )
            return
        if len(np.unique(labels)) == 1:
            return  # of which all scores may well be alike
        self.last_scores = scores
        if _spread(scores) < min(_COLLAPSED, _FALL * self.first_spread):
            self._warn_collapsed(when, scores)
            return
        area = _area(labels, scores)
        if area is None or self.first_area is None:
            return
        # A fresh head may begin below chance: it has to fall as well.
        margin = _NO_CHANCE * _deviation_of_chance(labels)
        if area < min(0.5, self.first_area) - margin:
            self._warn(
                f"{when} pairs that match have lower validation scores than "
                f"those that do not (AUC {area:.3f} of {len(labels)} pairs, "
                f"{self.first_area:.3f} before): the labels of the training "
                "pairs mean the opposite of those of the validation pairs. 1 "
                "is for a match."
            )

    def on_train_end(self, logs=None):
        if not self.diverged and not self._is_finite():
            # As the very last step can leave them: no loss comes after it.
            self.diverged = True
            self._warn(
                "After the training weights of the model are no numbers: the "
                f"steps are too large, {self._rate()}."
            )
        if self.best is None or self.before is None or self.warned:
            return
        before = self.before[self.monitor]
        bound = before
        if self.mode == "max" and self.num_examples and 0 <= before <= 1:
            # Of a share, the lower end of its 95 % interval.
            right = round(before * self.num_examples)
            bound = min(before, wilson_interval(right, self.num_examples)[0])
        learnt = _better(self.best, before, self.mode)
        scores = self.last_scores
        # A fresh head begins with scores as near to each other, and small
        # steps may leave them there.
        if (
            scores is not None
            and not learnt
            and _spread(scores) < _COLLAPSED
            and self.highest_rate > _HIGHEST_RATE
        ):
            self._warn_collapsed("After the training", scores)
        elif _better(bound, self.best, self.mode):
            self._warn(
                "The training made the model worse: its best validation "
                f"{self.monitor} is {self.best:.4f}, and before the first "
                f"step it was {before:.4f}. Look at the labels "
                f"(`pairs.report()`) and at the size of the steps: "
                f"{self._rate()}."
            )

    def _warn_collapsed(self, when, scores):
        self._warn(
            f"{when} all validation scores are about {scores[0]}, their "
            f"standard deviation is {_spread(scores):.1e}: the model tells no "
            "pairs apart. Most often the steps are too large: "
            f"{self._rate()}. Load the model again and lower it."
        )

    def _look_at_rate(self):
        rate = self.model.optimizer.learning_rate
        rate = float(keras.ops.convert_to_numpy(rate))
        self.highest_rate = max(self.highest_rate, rate)

    def _warn(self, message):
        # Once: what comes after follows from it.
        self.warned = True
        warnings.warn(message, stacklevel=3)

    def _rate(self):
        return (
            f"the learning rate was {self.highest_rate:.1e} at its highest, "
            "and encoders are fine-tuned at 2e-5 to 2e-4"
        )


def _spread(scores):
    """The standard deviation of scores, that of the class of the largest."""
    return float(scores.std(axis=0).max())


def _area(labels, scores):
    """Under the ROC curve of labels 0 and 1, None for others."""
    labels = labels.reshape(len(labels), -1)
    if (
        scores.ndim > 1
        or labels.shape[1] > 1
        or set(np.unique(labels)) != {0, 1}
    ):
        return None
    return roc_auc(labels.astype(int), scores)


def _deviation_of_chance(labels):
    """Of the area under the ROC curve of random scores (Mann-Whitney)."""
    positives, pairs = labels.sum(), len(labels)
    return math.sqrt((pairs + 1) / (12 * positives * (pairs - positives)))


def _better(value, other, mode):
    return value > other if mode == "max" else value < other
