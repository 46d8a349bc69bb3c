"""Two passes with different dropouts have to agree."""

import keras
from keras import ops

from semmatch.losses.cross_entropy import CrossEntropy
from semmatch.losses.cross_entropy import log_probabilities


@keras.saving.register_keras_serializable(package="semmatch")
class RDrop(CrossEntropy):
    """Cross-entropy, and the distance of two passes of the same pair.

    A model compiled with it runs each pair of a training batch twice, which
    doubles the cost of a step. In evaluation there is one pass and the loss is
    cross-entropy.

    Source: Liang et al. 2021, R-Drop. The value is half of theirs, so that it
    is that of `CrossEntropy` at a weight of 0.

    Args:
        weight: float, of the distance: the mean of the two Kullback-Leibler
            divergences. Theirs is called alpha, 1 to 5 in the paper.
        label_smoothing: as of `CrossEntropy`.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch,)`, classes; of one logit also shares in [0, 1].
        y_pred: float `(batch, samples, classes)`, of which the first half is
            one pass and the second half the other, or `(batch, classes)`.

    >>> loss = RDrop(weight=4.0)
    >>> round(float(loss([1], [[[0.0], [0.0]]])), 4)
    0.6931
    """

    passes = 2

    def __init__(
        self, weight=4.0, label_smoothing=0.0, name="r_drop", **kwargs
    ):
        if not weight >= 0:
            raise ValueError(
                f"`weight` must be at least 0. Received: weight={weight}."
            )
        super().__init__(label_smoothing=label_smoothing, name=name, **kwargs)
        self.weight = weight

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        values = super().call(y_true, y_pred)
        if len(y_pred.shape) == 2:
            return values
        log_shares = log_probabilities(y_pred)
        one, two = ops.split(log_shares, 2, axis=1)
        # Both divergences together: (p - q) (log p - log q).
        apart = ops.sum((ops.exp(one) - ops.exp(two)) * (one - two), axis=-1)
        return values + self.weight / 4 * ops.mean(apart, axis=-1)

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}
