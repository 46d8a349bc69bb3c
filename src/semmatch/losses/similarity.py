"""How near two vectors are, in Keras operations."""

from keras import ops

from semmatch._checks import check_one_of
from semmatch._similarity import SIMILARITIES

# The square of a length below which a vector has no direction.
_TINY = 1e-24


def pair_similarity(embeddings, similarity="cosine"):
    """The similarity of the first two texts of each example.

    Args:
        embeddings: float `(batch, texts, dim)`.
        similarity: as of `semmatch._similarity.similarity_matrix`.

    Returns:
        float `(batch,)`. Its gradient is finite for equal vectors and for
        vectors of zeros, too.

    >>> float(pair_similarity(ops.array([[[3.0, 4.0], [6.0, 8.0]]]))[0])
    1.0
    """
    check_one_of(similarity, SIMILARITIES, "similarity")
    a, b = embeddings[:, 0], embeddings[:, 1]
    if similarity == "dot":
        return ops.sum(a * b, axis=-1)
    if similarity == "cosine":
        return ops.sum(unit_vectors(a) * unit_vectors(b), axis=-1)
    if similarity == "manhattan":
        return -ops.sum(ops.abs(a - b), axis=-1)
    # The square root has no slope at 0.
    squares = ops.sum(ops.square(a - b), axis=-1)
    apart = squares > 0
    return -ops.where(apart, ops.sqrt(ops.where(apart, squares, 1.0)), 0.0)


def unit_vectors(vectors):
    """Vectors of length 1 in the same directions; zeros stay zeros.

    Args:
        vectors: float `(..., dim)`.

    Returns:
        float `(..., dim)`. Unlike that of `ops.normalize` the gradient is
        finite for zeros on every backend.

    >>> unit_vectors(ops.array([[3.0, 4.0]])).shape
    TensorShape([1, 2])
    """
    squares = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.where(squares > _TINY, squares, 1.0))
