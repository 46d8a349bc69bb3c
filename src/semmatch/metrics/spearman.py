"""Spearman's correlation while training, in constant memory."""

import keras
from keras import ops

from semmatch._checks import check_positive_int

# Grades are told apart to a hundredth of their range.
_LABEL_BINS = 101


@keras.saving.register_keras_serializable(package="semmatch")
class Spearman(keras.metrics.Metric):
    """The rank correlation of graded labels and scores, over batches.

    `evaluation.spearman` needs all scores at once. Here scores and labels
    fall into bins, and those of one bin share a rank: the figure is exact for
    scores that lie in bins of their own, and off by less than 0.002 on
    thousands of cosines within 0.1 of each other.

    Args:
        label_range: two floats, the lowest and the highest label, such as
            (0, 5) of STS-B; what lies outside is moved to the end.
        num_bins: int, bins of the scores.
        name: str; None for `"spearman"`.
        dtype: as of `keras.metrics.Metric`.

    Call arguments:
        y_true: grades, `(batch,)` or `(batch, 1)`.
        y_pred: scores in [0, 1], `(batch,)` or `(batch, 1)`.
        sample_weight: `(batch,)` or `(batch, 1)`; None counts 1 each.

    >>> metric = Spearman(label_range=(0, 5))
    >>> metric.update_state([0.0, 2.5, 5.0], [0.1, 0.9, 0.8])
    >>> round(float(metric.result()), 4)
    0.5
    """

    def __init__(
        self, label_range=(0.0, 1.0), num_bins=4000, *, name=None, dtype=None
    ):
        super().__init__(name=name or "spearman", dtype=dtype)
        self._direction = "up"  # so Keras and `fit` know what is better
        low, high = map(float, label_range)
        if not low < high:
            raise ValueError(
                "`label_range` must be the lowest and the highest label. "
                f"Received: label_range={label_range}."
            )
        self.label_range = (low, high)
        self.num_bins = check_positive_int(num_bins, "num_bins")
        self.counts = self.add_weight(
            shape=(num_bins * _LABEL_BINS,),
            initializer="zeros",
            dtype="float32",
            name="counts",
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch; the class describes the arguments."""
        labels = ops.cast(ops.reshape(y_true, (-1,)), "float32")
        scores = ops.cast(ops.reshape(y_pred, (-1,)), "float32")
        low, high = self.label_range
        grades = (labels - low) / (high - low) * (_LABEL_BINS - 1)
        grades = ops.cast(ops.round(grades), "int32")
        grades = ops.clip(grades, 0, _LABEL_BINS - 1)
        bins = ops.cast(scores * self.num_bins, "int32")
        bins = ops.clip(bins, 0, self.num_bins - 1)
        weights = ops.ones_like(scores)
        if sample_weight is not None:
            given = ops.convert_to_tensor(sample_weight)
            weights = weights * ops.cast(ops.reshape(given, (-1,)), "float32")
        self.counts.assign_add(
            ops.segment_sum(
                weights,
                bins * _LABEL_BINS + grades,
                num_segments=self.num_bins * _LABEL_BINS,
            )
        )

    def result(self):
        """The figure, a float32 scalar in [-1, 1]; 0 where nothing varies."""
        counts = ops.reshape(self.counts, (self.num_bins, _LABEL_BINS))
        # Shares, so that ranks of many examples stay exact.
        counts = ops.divide_no_nan(counts, ops.sum(counts))
        of_scores, score_ranks = _ranks(ops.sum(counts, axis=1))
        of_labels, label_ranks = _ranks(ops.sum(counts, axis=0))
        product = ops.sum(counts * score_ranks[:, None] * label_ranks[None, :])
        return ops.divide_no_nan(product, ops.sqrt(of_scores * of_labels))

    def get_config(self):
        return {
            **super().get_config(),
            "label_range": self.label_range,
            "num_bins": self.num_bins,
        }


def _ranks(shares):
    """The variance of ranks, and each bin's rank, counted from the mean."""
    # Half of a bin's own: equal values have the mean of their ranks.
    ranks = ops.cumsum(shares) - shares / 2 - 0.5
    return ops.sum(shares * ops.square(ranks)), ranks
