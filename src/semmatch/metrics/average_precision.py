"""Average precision while training, in constant memory."""

import keras
from keras import ops

from semmatch._checks import check_positive_int
from semmatch.metrics.inputs import read_batch


@keras.saving.register_keras_serializable(package="semmatch")
class AveragePrecision(keras.metrics.Metric):
    """The step-wise area under the precision-recall curve, over batches.

    `evaluation.average_precision` needs all scores at once. Here they fall
    into bins, and the scores of one bin count as equal. The bins are even not
    in the score s but in a / (a + b), where a and b are the cube roots of s
    and 1 - s: a trained model's scores crowd at 0 and 1, where even bins would
    take most of them for equal (off by 0.05 on very sure models).

    With p positives and n negatives in a bin, P positives and N negatives
    above it, the figure differs from the exact one by at most the sum over
    bins of `(p / all positives) * ((P + p) / (P + p + N) - (P + 1) / (P + 1 +
    N + n))`. Measured on a thousand scores and more, unsure and very sure
    ones, the difference is below 0.002. It reaches 0.005 where all scores lie
    within 0.2 of each other, as cosines may; more thresholds cure that.

    Args:
        num_thresholds: int, the number of bins.
        name: str; None for `"average_precision"`.
        dtype: as of `keras.metrics.Metric`.

    Call arguments:
        y_true: 0 or 1, `(batch,)` or `(batch, 1)`.
        y_pred: scores in [0, 1], `(batch,)` or `(batch, 1)` of the positive
            class, or `(batch, 2)`. What lies outside is moved to the end.
        sample_weight: `(batch,)` or `(batch, 1)`; None counts 1 each.

    >>> metric = AveragePrecision()
    >>> metric.update_state([0, 0], [0.1, 0.4])
    >>> metric.update_state([1, 1], [0.35, 0.8])
    >>> round(float(metric.result()), 4)
    0.8333
    """

    def __init__(self, num_thresholds=1000, *, name=None, dtype=None):
        super().__init__(name=name or "average_precision", dtype=dtype)
        self._direction = "up"  # so Keras and `fit` know what is better
        self.num_thresholds = check_positive_int(
            num_thresholds, "num_thresholds"
        )
        self.positives = self._add_histogram("positives")
        self.negatives = self._add_histogram("negatives")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch; the class describes the arguments."""
        labels, scores, weights = read_batch(
            y_true, y_pred, sample_weight, "AveragePrecision"
        )
        if len(scores.shape) == 2:
            if scores.shape[1] != 2:
                raise ValueError(
                    "`AveragePrecision` expects the score of the positive "
                    "class, or two classes. Received: "
                    f"y_pred.shape={tuple(scores.shape)}. For more classes "
                    "use `F1`."
                )
            scores = scores[:, 1]
        bins = self._bins(scores)
        positive = weights * ops.cast(labels > 0, "float32")
        self.positives.assign_add(self._histogram(positive, bins))
        self.negatives.assign_add(self._histogram(weights - positive, bins))

    def result(self):
        """The figure, a float32 scalar in [0, 1]; 0 without positives."""
        # From the highest bin down: everything at or above a threshold.
        positives = ops.flip(self.positives)
        above = ops.cumsum(positives)
        total = above + ops.cumsum(ops.flip(self.negatives))
        precision = ops.divide_no_nan(above, total)
        return ops.divide_no_nan(ops.sum(positives * precision), above[-1])

    def get_config(self):
        config = {"num_thresholds": self.num_thresholds}
        return {**super().get_config(), **config}

    def _add_histogram(self, name):
        return self.add_weight(
            shape=(self.num_thresholds,),
            initializer="zeros",
            dtype="float32",
            name=name,
        )

    def _bins(self, scores):
        scores = ops.clip(scores, 0.0, 1.0)
        root = ops.power(scores, 1 / 3)
        even = root / (root + ops.power(1.0 - scores, 1 / 3))
        bins = ops.cast(even * self.num_thresholds, "int32")
        return ops.clip(bins, 0, self.num_thresholds - 1)

    def _histogram(self, weights, bins):
        return ops.segment_sum(weights, bins, num_segments=self.num_thresholds)
