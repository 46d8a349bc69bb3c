"""Pairs that match are drawn together, others pushed out to a margin."""

import keras
import numpy as np
from keras import ops

from semmatch._checks import check_one_of
from semmatch._checks import check_positive
from semmatch.losses.scored_pairs import labels_and_weights
from semmatch.losses.scored_pairs import pair_labels
from semmatch.losses.scored_pairs import with_weights
from semmatch.losses.similarity import pair_similarity

# A dot product is none: it has no value for equal vectors.
DISTANCES = ("cosine", "euclidean", "manhattan")


@keras.saving.register_keras_serializable(package="semmatch")
class Contrastive(keras.losses.Loss):
    """Draws pairs of label 1 together and those of label 0 apart.

    `(y * d**2 + (1 - y) * max(margin - d, 0)**2) / 2` of the label y and the
    distance d, which is 1 - cosine by default. A label between 0 and 1
    shares out both terms; any other one gives NaN, so that the loss tells.

    Source: Hadsell et al. 2006, "Dimensionality reduction by learning an
    invariant mapping".

    Args:
        margin: float, the distance from which on a pair of label 0 is left
            alone.
        similarity: `"cosine"`, `"euclidean"` or `"manhattan"`.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch,)`, 0 or 1 or between.
        y_pred: float `(batch, texts, dim)`, of which the first two texts are
            compared.

    >>> embeddings = [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]]
    >>> float(Contrastive()([1, 0], embeddings))  # mean of 1 / 2 and 0.25 / 2
    0.3125
    """

    label_range = (0, 1)

    def __init__(
        self, margin=0.5, similarity="cosine", name="contrastive", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.margin = check_positive(margin, "margin")
        self.similarity = check_one_of(similarity, DISTANCES, "similarity")

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        labels = pair_labels(y_true, y_pred, self.name)
        distances = pair_distance(y_pred, self.similarity)
        together = labels * ops.square(distances)
        apart = (1 - labels) * ops.square(ops.relu(self.margin - distances))
        known = (labels >= 0) & (labels <= 1)
        return ops.where(known, (together + apart) / 2, np.nan)

    def get_config(self):
        return {
            **super().get_config(),
            "margin": self.margin,
            "similarity": self.similarity,
        }


@keras.saving.register_keras_serializable(package="semmatch")
class OnlineContrastive(Contrastive):
    """Contrastive on the pairs of a batch alone that are hard.

    Hard are the pairs of label 1 that are farther apart than the nearest pair
    of label 0, and those of label 0 that are nearer than the farthest of
    label 1; in a batch of one label, those beyond the mean distance. The
    value of a hard pair is `d**2` or `max(margin - d, 0)**2`, without the
    half of `Contrastive`, and of any other pair 0. A pair of weight w counts
    as if it stood w times in the batch, one of weight 0 not at all.

    Source: `OnlineContrastiveLoss` of sentence-transformers, which adds up
    the values of a batch; `reduction="sum"` does so here. A batch with one
    pair of a label is no exception here; there the mean distance of the
    other label stands for that of this pair.

    Args:
        margin: as of `Contrastive`.
        similarity: as of `Contrastive`.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch,)`, 0 or 1; any other label gives NaN.
        y_pred: float `(batch, texts, dim)`, of which the first two texts are
            compared.

    >>> embeddings = [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]]
    >>> float(OnlineContrastive()([1, 0], embeddings))  # mean of 1 and 0.25
    0.625
    >>> float(OnlineContrastive()([0, 1], embeddings))
    0.0
    """

    # Which pairs are hard depends on the others.
    batch_level = True

    def __init__(
        self,
        margin=0.5,
        similarity="cosine",
        name="online_contrastive",
        **kwargs,
    ):
        super().__init__(margin, similarity, name, **kwargs)

    def __call__(self, y_true, y_pred, sample_weight=None):
        # `call` needs to know which pairs count; Keras multiplies.
        y_true = with_weights(y_true, sample_weight)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        labels, weights = labels_and_weights(y_true, y_pred, self.name)
        distances = pair_distance(y_pred, self.similarity)
        if weights is None:
            weights = ops.ones_like(distances)
        # Of weight 0: in neither.
        together = ops.where(labels == 1, weights, 0)
        apart = ops.where(labels == 0, weights, 0)
        nearest = -_farthest(-distances, apart, together)
        farthest = _farthest(distances, together, apart)
        hard_together = (together > 0) & (distances > nearest)
        hard_apart = (apart > 0) & (distances < farthest)
        values = ops.where(hard_together, ops.square(distances), 0)
        outside = ops.square(ops.relu(self.margin - distances))
        values = ops.where(hard_apart, outside, values)
        known = (labels == 0) | (labels == 1)
        return ops.where(known, values, np.nan)


def pair_distance(embeddings, similarity):
    """How far the first two texts of each example are apart, `(batch,)`.

    >>> pairs = ops.array([[[3.0, 4.0], [6.0, 8.0]]])
    >>> float(pair_distance(pairs, "euclidean")[0])
    5.0
    """
    similar = pair_similarity(embeddings, similarity)
    return 1 - similar if similarity == "cosine" else -similar


def _farthest(distances, weights, other_weights):
    """The largest distance of the pairs that have weights.

    If there is none, the mean of the others.
    """
    largest = ops.max(
        ops.where(weights > 0, distances, -np.inf), initial=-np.inf
    )
    total = ops.sum(other_weights)
    mean = ops.sum(other_weights * distances) / ops.where(total > 0, total, 1)
    return ops.where(ops.any(weights > 0), largest, mean)
