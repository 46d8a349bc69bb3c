"""Pairs of a higher label shall be nearer than pairs of a lower one."""

import keras

from semmatch._checks import check_one_of
from semmatch._similarity import SIMILARITIES
from semmatch.losses.similarity import pair_similarity
from semmatch.losses.similarity_order import SimilarityOrder


@keras.saving.register_keras_serializable(package="semmatch")
class CoSENT(SimilarityOrder):
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

    def __init__(
        self, scale=20.0, similarity="cosine", name="cosent", **kwargs
    ):
        super().__init__(scale, name, **kwargs)
        self.similarity = check_one_of(similarity, SIMILARITIES, "similarity")

    def similarities(self, embeddings):
        return pair_similarity(embeddings, self.similarity)

    def get_config(self):
        return {**super().get_config(), "similarity": self.similarity}
