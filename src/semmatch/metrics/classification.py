"""Precision, recall and F1, exact over any number of batches."""

import math

import keras
from keras import ops

from semmatch._checks import check_one_of
from semmatch._checks import check_positive_int
from semmatch.metrics.inputs import read_batch

AVERAGES = ("auto", "macro", "positive")


class _ClassCounts(keras.metrics.Metric):
    """Counts right, predicted and true examples of each class.

    The subclasses only divide: figures of batches do not average, counts add
    up. Counts are float32 whatever Keras's default is, hence exact up to
    2**24 = 16,777,216 unweighted examples of a class. `F1` describes the
    arguments, which the subclasses share.
    """

    _default_name: str

    def __init__(
        self,
        class_id=None,
        *,
        average="auto",
        num_classes=2,
        threshold=0.5,
        name=None,
        dtype=None,
    ):
        super().__init__(name=name or self._default_name, dtype=dtype)
        self._direction = "up"  # so Keras and `fit` know what is better
        self.num_classes = _check_num_classes(num_classes)
        self.class_id = _check_class_id(class_id, self.num_classes)
        self.average = _check_average(average, self.class_id, self.num_classes)
        self.threshold = float(threshold)
        if not math.isfinite(self.threshold):
            raise ValueError(
                "`threshold` must be a finite number. "
                f"Received: threshold={threshold}."
            )
        self.true_positives = self._add_counter("true_positives")
        self.predicted = self._add_counter("predicted")
        self.actual = self._add_counter("actual")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch.

        Args:
            y_true: classes, `(batch,)` or `(batch, 1)`; a class outside
                `[0, num_classes)` is found by no prediction.
            y_pred: scores, `(batch,)` or `(batch, 1)` of the positive class,
                or `(batch, num_classes)`.
            sample_weight: `(batch,)` or `(batch, 1)`; None counts 1 each.
        """
        labels, scores, weights = read_batch(
            y_true, y_pred, sample_weight, type(self).__name__
        )
        weights = ops.expand_dims(weights, -1)
        actual = weights * self._one_hot(labels)
        predicted = self._one_hot(self._predictions(scores))
        self.true_positives.assign_add(ops.sum(actual * predicted, axis=0))
        self.predicted.assign_add(ops.sum(weights * predicted, axis=0))
        self.actual.assign_add(ops.sum(actual, axis=0))

    def result(self):
        """The figure, a float32 scalar in [0, 1]; 0 where it is undefined."""
        figures = self._figures()
        if self.class_id is not None:
            return figures[self.class_id]
        if self.average == "macro" or self.num_classes > 2:
            return ops.mean(figures)
        return figures[1]

    def get_config(self):
        config = {
            "class_id": self.class_id,
            "average": self.average,
            "num_classes": self.num_classes,
            "threshold": self.threshold,
        }
        return {**super().get_config(), **config}

    def _add_counter(self, name):
        return self.add_weight(
            shape=(self.num_classes,),
            initializer="zeros",
            dtype="float32",
            name=name,
        )

    def _one_hot(self, classes):
        return ops.one_hot(classes, self.num_classes, dtype="float32")

    def _predictions(self, scores):
        single = len(scores.shape) == 1
        columns = 2 if single else scores.shape[1]
        if columns != self.num_classes:
            raise ValueError(
                f"`{type(self).__name__}` with num_classes="
                f"{self.num_classes} expects one score for each class"
                f"{' or a single one' if self.num_classes == 2 else ''}. "
                f"Received: y_pred.shape={tuple(scores.shape)}. Set "
                "`num_classes` to that of the model."
            )
        if single:
            return ops.cast(scores >= self.threshold, "int32")
        return ops.argmax(scores, axis=-1)

    def _figures(self):
        """The figure of each class, `(classes,)`."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="semmatch")
class Precision(_ClassCounts):
    """The share of the examples predicted as a class that are of it.

    0 for a class never predicted. Exact over all batches: equal to
    `evaluation.classification_report` on the same data.

    Args:
        class_id: int, the class whose figure is meant.
        average: `"positive"`, `"macro"` or `"auto"`, without `class_id`.
        num_classes: int, at least 2.
        threshold: float, for a single score an example.
        name: str; None for `"precision"`.
        dtype: as of `keras.metrics.Metric`.

    `F1` says what each choice means, and `update_state` takes the same.

    >>> metric = Precision()
    >>> metric.update_state([0, 1, 1], [0.9, 0.7, 0.2])
    >>> float(metric.result())
    0.5
    """

    _default_name = "precision"

    def _figures(self):
        return ops.divide_no_nan(self.true_positives, self.predicted)


@keras.saving.register_keras_serializable(package="semmatch")
class Recall(_ClassCounts):
    """The share of the examples of a class that are predicted as it.

    0 for a class without examples. Exact over all batches: equal to
    `evaluation.classification_report` on the same data.

    Args:
        class_id: int, the class whose figure is meant.
        average: `"positive"`, `"macro"` or `"auto"`, without `class_id`.
        num_classes: int, at least 2.
        threshold: float, for a single score an example.
        name: str; None for `"recall"`.
        dtype: as of `keras.metrics.Metric`.

    `F1` says what each choice means, and `update_state` takes the same.

    >>> metric = Recall()
    >>> metric.update_state([0, 1, 1, 1], [0.9, 0.7, 0.2, 0.5])
    >>> round(float(metric.result()), 4)
    0.6667
    """

    _default_name = "recall"

    def _figures(self):
        return ops.divide_no_nan(self.true_positives, self.actual)


@keras.saving.register_keras_serializable(package="semmatch")
class F1(_ClassCounts):
    """The harmonic mean of precision and recall of a class.

    0 where both are. Exact over all batches: equal to
    `evaluation.classification_report` on the same data.

    Args:
        class_id: int, the class whose figure is meant; None leaves the
            choice to `average`.
        average: without `class_id`: `"positive"` for class 1 of two,
            `"macro"` for the mean over all classes, `"auto"` for the first
            with two classes and the second with more.
        num_classes: int, at least 2. A single score an example has 2.
        threshold: float; a single score of at least this is positive. Two
            scores or more an example are compared with each other instead.
        name: str; None for the class's own, such as `"f1"`.
        dtype: as of `keras.metrics.Metric`.

    Call arguments:
        y_true: classes, `(batch,)` or `(batch, 1)`.
        y_pred: scores, `(batch,)` or `(batch, 1)` of the positive class, or
            `(batch, num_classes)`.
        sample_weight: `(batch,)` or `(batch, 1)`; None counts 1 each.

    >>> metric = F1()
    >>> metric.update_state([0, 1, 1], [0.9, 0.7, 0.2])
    >>> metric.update_state([1], [0.5])
    >>> round(float(metric.result()), 4)
    0.6667
    >>> metric = F1(num_classes=3)  # the mean over the three
    >>> metric.update_state([0, 1, 2], [[0.9, 0, 0], [0, 1, 0], [0, 1, 0]])
    >>> round(float(metric.result()), 4)
    0.5556
    """

    _default_name = "f1"

    def _figures(self):
        # Twice the true positives over both totals: the harmonic mean
        # without a division by zero in between.
        return ops.divide_no_nan(
            2.0 * self.true_positives, self.predicted + self.actual
        )


def _check_num_classes(num_classes):
    if check_positive_int(num_classes, "num_classes") < 2:
        raise ValueError(
            "`num_classes` must be at least 2; a single score an example "
            f"means 2. Received: num_classes={num_classes}."
        )
    return int(num_classes)


def _check_class_id(class_id, num_classes):
    if class_id is None:
        return None
    return int(check_one_of(class_id, range(num_classes), "class_id"))


def _check_average(average, class_id, num_classes):
    check_one_of(average, AVERAGES, "average")
    if class_id is not None and average != "auto":
        raise ValueError(
            "`class_id` picks one class, `average` is over several; pass one "
            f"of them. Received: class_id={class_id}, average={average!r}."
        )
    if average == "positive" and num_classes > 2:
        raise ValueError(
            "`average` 'positive' is for two classes; with more, name one by "
            f"`class_id`. Received: average={average!r}, "
            f"num_classes={num_classes}."
        )
    return average
