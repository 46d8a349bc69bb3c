"""The part that CoSENT and AnglE share: the order of similarities."""

import keras
from keras import ops

from semmatch._checks import check_positive
from semmatch.losses.scored_pairs import labels_and_weights
from semmatch.losses.scored_pairs import with_weights

# Smaller than any difference of scaled similarities.
_MASKED = -1e9


class SimilarityOrder(keras.losses.Loss):
    """Orders the similarities of a batch's pairs as their labels are.

    Abstract: `similarities` says what is ordered.

    Args:
        scale: float, the inverse of a temperature.
        name: string.
        **kwargs: as of `keras.losses.Loss`.
    """

    # Its value on parts of a batch is not its value on the whole.
    batch_level = True

    def __init__(self, scale, name, **kwargs):
        check_positive(scale, "scale")
        super().__init__(name=name, **kwargs)
        self.scale = scale

    def similarities(self, embeddings):
        """How near the first two texts of each example are, `(batch,)`."""
        raise NotImplementedError

    def __call__(self, y_true, y_pred, sample_weight=None):
        # Keras would scale the one value of the batch by the mean weight, and
        # all pairs would teach alike.
        return super().__call__(with_weights(y_true, sample_weight), y_pred)

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        labels, weights = labels_and_weights(y_true, y_pred, self.name)
        scores = self.scale * self.similarities(y_pred)
        differences = scores[None, :] - scores[:, None]
        higher = labels[:, None] > labels[None, :]
        if weights is not None:
            # Of w copies of i and v of j there are w * v terms.
            logs = ops.log(weights)
            differences = differences + logs[None, :] + logs[:, None]
        differences = ops.where(higher, differences, _MASKED)
        terms = ops.concatenate(
            [ops.zeros((1,), scores.dtype), ops.reshape(differences, (-1,))]
        )
        return ops.broadcast_to(ops.logsumexp(terms), ops.shape(scores))

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
