"""A teacher's view of all candidates of a query, learnt as shares."""

import keras
import numpy as np
from keras import ops

from semmatch._checks import check_one_of
from semmatch._checks import check_positive
from semmatch._similarity import SIMILARITIES
from semmatch.losses.similarity import query_similarity
from semmatch.losses.teacher_lists import check_teacher_scores


@keras.saving.register_keras_serializable(package="semmatch")
class ListwiseKL(keras.losses.Loss):
    """The divergence of a student's ranking of candidates from a teacher's.

    `T**2 * KL(softmax(t / T) || softmax(scale * s / T))` over a row's
    positive and negatives: t are the scores of a cross-encoder, its logits,
    and s similarities of the query. Unlike `MarginMSE` it asks for no
    number: a constant that is added to the scores of a row changes nothing,
    and what the teacher puts far below the best counts little. A high T lets
    the lower ranks count; the factor keeps the gradient of one size, whatever
    T is.

    Logits of a cross-encoder are far apart and cosines within 2 of each
    other, hence the scale. Of a dot product of vectors that are not
    normalised take `scale=1`.

    Source: Ren et al. 2021, "RocketQAv2", after the listwise loss of Cao et
    al. 2007, "Learning to rank: from pairwise approach to listwise approach";
    the temperature: Hinton et al. 2015, "Distilling the knowledge in a neural
    network". With `scale=1` the mean over a batch is `DistillKLDivLoss` of
    sentence-transformers of this `temperature`. What is there a
    `teacher_temperature` and a `student_temperature` is here `temperature`
    and `temperature / scale`, and the value `scale**2` times theirs.

    Args:
        temperature: float above 0, the T.
        similarity: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
        scale: float above 0, by which similarities are multiplied.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: float `(batch, 1 + negatives)`, the teacher's scores of the
            positive and of each negative. NaN is an empty place.
        y_pred: float `(batch, 2 + negatives, dim)`: query, positive,
            negatives.

    Returns:
        float `(batch,)`; 0 for a row with fewer than two scores.

    >>> rows = [[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]
    >>> loss = ListwiseKL(scale=2.0)
    >>> round(float(loss([[0.0, 0.0]], rows)), 4)  # log(cosh(2 / 2))
    0.4338
    >>> float(loss([[5.0, 3.0]], rows))
    0.0
    """

    def __init__(
        self,
        temperature=1.0,
        similarity="cosine",
        scale=20.0,
        name="listwise_kl",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.temperature = check_positive(temperature, "temperature")
        self.similarity = check_one_of(similarity, SIMILARITIES, "similarity")
        self.scale = check_positive(scale, "scale")

    def call(self, y_true, y_pred):
        y_true = ops.convert_to_tensor(y_true)
        y_pred = ops.convert_to_tensor(y_pred)
        check_teacher_scores(y_true, y_pred, self.name)
        similar = query_similarity(y_pred, self.similarity)
        empty = ops.isnan(y_true)
        teacher = _log_shares(y_true / self.temperature, empty)
        student = _log_shares(similar * (self.scale / self.temperature), empty)
        apart = ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)
        return self.temperature**2 * apart

    def get_config(self):
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "similarity": self.similarity,
            "scale": self.scale,
        }


def _log_shares(logits, empty):
    """Logarithms of the candidates' shares, 0 in empty places."""
    logits = ops.where(empty, -np.inf, logits)
    # Of empty places alone the softmax is NaN, which neither a value nor a
    # gradient brings past `where`.
    return ops.where(empty, 0, ops.log_softmax(logits, axis=-1))
