"""Pairs of a higher label shall be nearer than pairs of a lower one."""

import math

import keras
from keras import ops

from semmatch._checks import check_one_of
from semmatch._similarity import SIMILARITIES
from semmatch.losses.similarity import pair_similarity

# Smaller than any difference of scaled similarities.
_MASKED = -1e9


@keras.saving.register_keras_serializable(package="semmatch")
class CoSENT(keras.losses.Loss):
    """Orders the similarities of a batch's pairs as their labels are.

    `log(1 + sum(exp(scale * (s_j - s_i))))` over all pairs i, j of the batch
    of which i has the higher label. Labels may be classes or grades: only
    their order counts. A pair of weight w counts as if it stood w times in
    the batch, one of weight 0 not at all.

    Source: Su 2022, "CoSENT" (kexue.fm/archives/8847).

    Args:
        scale: float, the inverse of a temperature.
        similarity: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch,)`.
        y_pred: float `(batch, texts, dim)`, of which the first two texts are
            compared.

    Returns:
        The one value of the batch for each example, `(batch,)`; 0 where all
        labels are equal.

    >>> embeddings = [[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]
    >>> round(float(CoSENT(scale=1.0)([1, 0], embeddings)), 4)  # log(1 + 1/e)
    0.3133
    """

    # Its value on parts of a batch is not its value on the whole.
    batch_level = True

    def __init__(
        self, scale=20.0, similarity="cosine", name="cosent", **kwargs
    ):
        if not 0 < scale < math.inf:
            raise ValueError(
                "`scale` must be a finite number above 0. Received: "
                f"scale={scale}."
            )
        super().__init__(name=name, **kwargs)
        self.scale = scale
        self.similarity = check_one_of(similarity, SIMILARITIES, "similarity")

    def __call__(self, y_true, y_pred, sample_weight=None):
        # Keras would scale the one value of the batch by the mean weight, and
        # all pairs would teach alike.
        if sample_weight is not None:
            y_true = {"labels": y_true, "weights": sample_weight}
        return super().__call__(y_true, y_pred)

    def call(self, y_true, y_pred):
        weights = None
        if isinstance(y_true, dict):
            y_true, weights = y_true["labels"], y_true["weights"]
        labels = ops.reshape(ops.convert_to_tensor(y_true), (-1,))
        scores = self.scale * pair_similarity(
            ops.convert_to_tensor(y_pred), self.similarity
        )
        differences = scores[None, :] - scores[:, None]
        higher = labels[:, None] > labels[None, :]
        if weights is not None:
            # Of w copies of i and v of j there are w * v terms.
            logs = ops.log(ops.reshape(ops.convert_to_tensor(weights), (-1,)))
            differences = differences + logs[None, :] + logs[:, None]
        differences = ops.where(higher, differences, _MASKED)
        terms = ops.concatenate(
            [ops.zeros((1,), scores.dtype), ops.reshape(differences, (-1,))]
        )
        return ops.broadcast_to(ops.logsumexp(terms), ops.shape(scores))

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "similarity": self.similarity,
        }
