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
    return _in_place(embeddings[:, 0], embeddings[:, 1], similarity)


def query_similarity(embeddings, similarity="cosine"):
    """The similarity of the first text of each example with its others.

    Args:
        embeddings: float `(batch, texts, dim)`.
        similarity: as of `pair_similarity`.

    Returns:
        float `(batch, texts - 1)`.

    >>> texts = ops.array([[[3.0, 4.0], [6.0, 8.0], [4.0, -3.0]]])
    >>> query_similarity(texts, "dot").numpy().tolist()
    [[50.0, 0.0]]
    """
    return _in_place(embeddings[:, :1], embeddings[:, 1:], similarity)


def similarity_matrix(a, b, similarity="cosine"):
    """The similarity of each vector of `a` with each one of `b`.

    Args:
        a: float `(n, dim)`.
        b: float `(m, dim)`.
        similarity: as of `pair_similarity`. Distances take memory for all
            `n * m * dim` differences; by a product of matrices they would
            lose their digits where vectors are near.

    Returns:
        float `(n, m)`.

    >>> rows = ops.array([[3.0, 4.0], [4.0, -3.0]])
    >>> similarity_matrix(rows, rows, "dot").numpy().tolist()
    [[25.0, 0.0], [0.0, 25.0]]
    """
    if similarity == "cosine":
        a, b = unit_vectors(a), unit_vectors(b)
    if similarity in ("cosine", "dot"):
        return ops.matmul(a, ops.transpose(b))
    return _in_place(a[:, None], b[None], similarity)


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


def _in_place(a, b, similarity):
    """Of the vectors in the same places, whose axes are broadcast."""
    check_one_of(similarity, SIMILARITIES, "similarity")
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
