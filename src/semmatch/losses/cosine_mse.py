"""The similarity of a pair shall be its label."""

import math

import keras
from keras import ops

from semmatch._checks import check_one_of
from semmatch._similarity import SIMILARITIES
from semmatch.losses.scored_pairs import pair_labels
from semmatch.losses.similarity import pair_similarity


@keras.saving.register_keras_serializable(package="semmatch")
class CosineMSE(keras.losses.Loss):
    """The squared difference of a pair's label and its similarity.

    A cosine is in [-1, 1], and no training reaches a label outside: scale
    grades such as 0 to 5 before, or take `CoSENT`, to which their order
    alone counts.

    Source: Reimers and Gurevych 2019, Sentence-BERT, the regression
    objective; `CosineSimilarityLoss` of sentence-transformers.

    Args:
        similarity: `"cosine"`, `"dot"`, or a distance with a minus before it,
            `"euclidean"` or `"manhattan"`, whose labels are 0 or less.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch,)`.
        y_pred: float `(batch, texts, dim)`, of which the first two texts are
            compared.

    >>> embeddings = [[[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]
    >>> float(CosineMSE()([1.0, 0.5], embeddings))  # mean of 0 and 0.25
    0.125
    """

    def __init__(self, similarity="cosine", name="cosine_mse", **kwargs):
        super().__init__(name=name, **kwargs)
        self.similarity = check_one_of(similarity, SIMILARITIES, "similarity")
        # What a label may be, for those who check data.
        self.label_range = {
            "cosine": (-1, 1),
            "dot": (-math.inf, math.inf),
        }.get(similarity, (-math.inf, 0))

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        labels = pair_labels(y_true, y_pred, self.name)
        similar = pair_similarity(y_pred, self.similarity)
        return ops.square(labels - similar)

    def get_config(self):
        return {**super().get_config(), "similarity": self.similarity}
