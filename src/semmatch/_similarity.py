"""How near two vectors are, in numpy."""

import numpy as np

from semmatch._checks import check_one_of

SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")

# Differences that are computed at once, 64 MB of them.
_DIFFERENCES = 2**24


def similarity_matrix(a, b, similarity="cosine"):
    """The similarity of each vector of `a` with each one of `b`.

    Args:
        a: float `(n, dim)`; int8 ones, as `encode` gives, have directions
            and no lengths, and so cosines alone.
        b: float or int8 `(m, dim)`.
        similarity: `"cosine"`, `"dot"`, or a distance with a minus before it,
            `"euclidean"` or `"manhattan"`.

    Returns:
        float32 `(n, m)`. A vector of zeros has a cosine of 0.

    >>> similarity_matrix([[3.0, 4.0]], [[6.0, 8.0], [4.0, -3.0]]).tolist()
    [[1.0, 0.0]]
    """
    check_one_of(similarity, SIMILARITIES, "similarity")
    a, b = _vectors(a, similarity), _vectors(b, similarity)
    _check_width(a, b)
    if similarity == "cosine":
        return unit_vectors(a) @ unit_vectors(b).T
    if similarity == "dot":
        return a @ b.T
    step = max(1, _DIFFERENCES // max(1, b.size))
    rows = [
        -_norm(a[start : start + step, None] - b[None], similarity)
        for start in range(0, len(a), step)
    ]
    return np.concatenate(rows) if rows else np.empty((0, len(b)), "float32")


def similarity_pairwise(a, b, similarity="cosine"):
    """The similarity of each vector of `a` with that of `b` in its place.

    Args:
        a: float or int8 `(n, dim)`.
        b: float or int8 `(n, dim)`.
        similarity: as of `similarity_matrix`.

    Returns:
        float32 `(n,)`.

    >>> similarity_pairwise([[3.0, 4.0]], [[0.0, 0.0]], "euclidean").tolist()
    [-5.0]
    """
    check_one_of(similarity, SIMILARITIES, "similarity")
    a, b = _vectors(a, similarity), _vectors(b, similarity)
    _check_width(a, b)
    if len(a) != len(b):
        raise ValueError(
            "Each vector needs one in its place. Received: "
            f"{len(a)} and {len(b)} vectors."
        )
    if similarity == "cosine":
        a, b = unit_vectors(a), unit_vectors(b)
    if similarity in ("cosine", "dot"):
        return np.einsum("nd,nd->n", a, b)
    return -_norm(a - b, similarity)


def unit_vectors(vectors):
    """Vectors of length 1 in the same directions; zeros stay zeros.

    >>> unit_vectors(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(norms == 0, 1, norms)


def _norm(differences, similarity):
    order = {"euclidean": 2, "manhattan": 1}[similarity]
    return np.linalg.norm(differences, ord=order, axis=-1)


def _vectors(array, similarity):
    array = np.asarray(array)
    if array.dtype == "int8" and similarity != "cosine":
        raise ValueError(
            "int8 vectors have kept their directions and not their lengths: "
            f"they have cosines alone. Received: similarity={similarity!r}. "
            'Encode with precision="float16" or "float32".'
        )
    # Before any product, which would overflow in fewer bytes.
    array = array.astype("float32", copy=False)
    if array.ndim != 2:
        raise ValueError(
            "Expected vectors, an array of shape (n, dim). Received: shape "
            f"{array.shape}. One vector is `vector[None]`."
        )
    return array


def _check_width(a, b):
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            "Vectors must be of one width. Received: shapes "
            f"{a.shape} and {b.shape}. They are of different models, or "
            "`truncate_dim` was not the same."
        )
