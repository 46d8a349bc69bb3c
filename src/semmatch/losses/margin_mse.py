"""A teacher's margins between a positive and negatives, learnt exactly."""

import keras
from keras import ops

from semmatch._checks import check_one_of
from semmatch._similarity import SIMILARITIES
from semmatch.losses.masked_mean import masked_mean
from semmatch.losses.similarity import query_similarity
from semmatch.losses.teacher_lists import check_teacher_scores


@keras.saving.register_keras_serializable(package="semmatch")
class MarginMSE(keras.losses.Loss):
    """The squared difference of a student's and a teacher's margins.

    The mean over a row's negatives of `((s_p - s_n) - (t_p - t_n))**2`: s are
    similarities of the query and t the scores of a cross-encoder, its
    logits. Only a similarity without bounds reaches any margin, hence the
    dot product of vectors that are not normalised.

    Source: Hofstaetter et al. 2020, "Improving efficient neural ranking
    models with cross-architecture knowledge distillation".

    Args:
        similarity: `"dot"`, `"cosine"`, `"euclidean"` or `"manhattan"`.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: float `(batch, 1 + negatives)`, the teacher's scores of the
            positive and of each negative. NaN is an empty place; of a row
            whose positive has none nothing counts.
        y_pred: float `(batch, 2 + negatives, dim)`: query, positive,
            negatives.

    Returns:
        float `(batch,)`; 0 for a row without a negative.

    >>> rows = [[[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]]
    >>> float(MarginMSE()([[4.0, 1.0]], rows))  # ((3 - 2) - (4 - 1))**2
    4.0
    """

    def __init__(self, similarity="dot", name="margin_mse", **kwargs):
        super().__init__(name=name, **kwargs)
        self.similarity = check_one_of(similarity, SIMILARITIES, "similarity")

    def call(self, y_true, y_pred):
        y_true = ops.convert_to_tensor(y_true)
        y_pred = ops.convert_to_tensor(y_pred)
        check_teacher_scores(y_true, y_pred, self.name)
        similar = query_similarity(y_pred, self.similarity)
        empty = ops.isnan(y_true)
        real = ~(empty[:, :1] | empty[:, 1:])
        scores = ops.where(empty, 0, y_true)
        margins = scores[:, :1] - scores[:, 1:]
        errors = similar[:, :1] - similar[:, 1:] - margins
        return masked_mean(ops.square(errors), real)

    def get_config(self):
        return {**super().get_config(), "similarity": self.similarity}
