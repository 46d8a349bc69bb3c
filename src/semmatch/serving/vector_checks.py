"""What an index asks of vectors before it takes them."""

import numpy as np

# Components that are looked at at once, 1 MB, which a cache holds.
_COMPONENTS = 2**18

# By how much float32 leaves the square of a unit vector's length beside 1.
_ROUNDING = 2e-6


def checked_vectors(vectors, name, dim, similarity):
    """Vectors as an array, if they are an index's and finite.

    Args:
        vectors: float or int `(n, dim)`.
        name: string, of the argument, for the messages.
        dim: int, the width that is expected.
        similarity: string, the index's.

    Returns:
        The array, and whether all are of length 1, as far as float32 can be.

    Raises:
        ValueError: if they are of another width or no numbers, one has NaN
            or infinity, or they have lost lengths that count.

    >>> checked_vectors([[0.6, 0.8]], "vectors", 2, "cosine")[1]
    True
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(
            f"`{name}` must be vectors of this index, an array of shape "
            f"(n, {dim}). Received: shape {vectors.shape}."
        )
    if vectors.dtype.kind not in "fiu":
        raise ValueError(
            f"`{name}` must be numbers. Received: type {vectors.dtype}."
        )
    if vectors.dtype == "int8" and similarity != "cosine":
        raise ValueError(
            "int8 vectors have kept their directions and not their lengths: "
            "they have cosines alone. Received: an index of "
            f'similarity={similarity!r}. Encode with precision="float16" or '
            '"float32".'
        )
    of_length_1 = True
    for block in blocks(vectors, _COMPONENTS):
        # What is too large for float32, or its square, is looked at below.
        with np.errstate(over="ignore", invalid="ignore"):
            part = vectors[block].astype("float32", copy=False)
            squares = np.vecdot(part, part)
        if not np.isfinite(squares).all():
            wrong = np.flatnonzero(~np.isfinite(part).all(axis=1))
            if wrong.size:
                raise ValueError(
                    f"`{name}` must be finite in float32. Received: NaN or "
                    f"infinity in {name}[{block.start + wrong[0]}]."
                )
        of_length_1 &= bool(np.abs(squares - 1).max() <= _ROUNDING)
    return vectors, of_length_1


def blocks(vectors, components):
    """Slices of rows with so many components each, all rows in order.

    >>> blocks(np.zeros((3, 2)), 4)
    [slice(0, 2, None), slice(2, 4, None)]
    """
    step = max(1, components // vectors.shape[1])
    return [
        slice(start, start + step) for start in range(0, len(vectors), step)
    ]
