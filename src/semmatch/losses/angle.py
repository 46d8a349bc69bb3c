"""The order of pairs by the angle of their vectors as complex numbers."""

import keras
from keras import ops

from semmatch.losses.similarity import unit_vectors
from semmatch.losses.similarity_order import SimilarityOrder


@keras.saving.register_keras_serializable(package="semmatch")
class AnglE(SimilarityOrder):
    """Orders the angles of a batch's pairs as their labels are.

    `CoSENT` of another similarity. The first half of a vector's dimensions
    are the real parts of complex numbers and the second half their imaginary
    parts; the similarity of a and b is the absolute sum of the real and the
    imaginary part of `sum(a * conj(b)) / (|a| |b|)`. Where a cosine is near 1
    or -1 it has hardly a slope, and this has. Of an odd number of dimensions
    the last imaginary part is 0. Weights count as in `CoSENT`, which may be
    added to it by `LossSum`.

    Source: Li and Li 2023, "AnglE-optimized text embeddings", the part of
    the angle; in the form of sentence-transformers' `AnglELoss`.

    Args:
        scale: float, the inverse of a temperature.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch,)`.
        y_pred: float `(batch, texts, dim)`, of which the first two texts are
            compared.

    Returns:
        The one value of the batch for each example, `(batch,)`; 0 where all
        labels are equal.

    >>> embeddings = [[[1.0, 0.0], [1.0, 0.0]], [[1.0, 1.0], [1.0, -1.0]]]
    >>> round(float(AnglE()([1, 0], embeddings)), 4)  # log(1 + 1)
    0.6931
    """

    def __init__(self, scale=20.0, name="angle", **kwargs):
        super().__init__(scale, name, **kwargs)

    def similarities(self, embeddings):
        a, b = unit_vectors(embeddings[:, 0]), unit_vectors(embeddings[:, 1])
        (real_a, imaginary_a), (real_b, imaginary_b) = _halves(a), _halves(b)
        real = real_a * real_b + imaginary_a * imaginary_b
        imaginary = imaginary_a * real_b - real_a * imaginary_b
        return ops.abs(ops.sum(real + imaginary, axis=-1))


def _halves(vectors):
    odd = vectors.shape[-1] % 2
    return ops.split(ops.pad(vectors, [(0, 0), (0, odd)]), 2, axis=-1)
