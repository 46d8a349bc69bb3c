"""Vectors in fewer bytes, and vectors that are none."""

import numpy as np

from semmatch._checks import check_one_of
from semmatch._checks import shown

PRECISIONS = ("float32", "float16", "int8")

_LARGEST_INT8 = 127


def check_precision(precision, similarity):
    """`precision`, if vectors in it still have the model's similarity.

    Args:
        precision: string.
        similarity: string, the model's.

    >>> check_precision("int8", "cosine")
    'int8'

    Raises:
        ValueError: for an unknown one, and for int8 with a similarity that
            depends on the lengths of vectors.
    """
    check_one_of(precision, PRECISIONS, "precision")
    if precision == "int8" and similarity != "cosine":
        raise ValueError(
            "int8 keeps the direction of a vector and not its length, which "
            f'only the similarity "cosine" allows. Received: a model of '
            f'similarity={similarity!r}. Take precision="float16", or, where '
            'vectors have the length 1, a model of `similarity="cosine"`, '
            "which is the same there."
        )
    return precision


def to_precision(vectors, precision):
    """Vectors as numbers of 4, 2 or 1 bytes.

    Args:
        vectors: float32 `(n, dim)`.
        precision: `"float32"`, `"float16"`, or `"int8"`: each vector times
            127 over its largest component, rounded. A component is off by
            half a step at most, and zeros stay zeros.

    Returns:
        An array `(n, dim)` of that type.

    Raises:
        ValueError: if a component is beyond the range of float16.

    >>> to_precision(np.array([[0.5, -0.25, 0.1]], "float32"), "int8").tolist()
    [[127, -64, 25]]
    """
    check_one_of(precision, PRECISIONS, "precision")
    if precision == "float32":
        return vectors
    if precision == "int8":
        largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
        # Divided first, since 127 / largest may overflow.
        shares = vectors / np.where(largest == 0, 1, largest)
        return np.rint(shares * _LARGEST_INT8).astype("int8")
    with np.errstate(over="ignore"):
        halves = vectors.astype("float16")
    if np.isinf(halves).any():
        raise ValueError(
            "float16 ends at 65504. Received: a vector with a component of "
            f'{np.abs(vectors).max():.3g}. Take precision="float32", or a '
            "model of `normalize=True`."
        )
    return halves


def check_finite(vectors, texts):
    """`vectors`, if all their components are numbers.

    Args:
        vectors: float `(n, dim)`.
        texts: list of the strings they are of.

    Raises:
        ValueError: if one is NaN or infinite; names the first such text.

    >>> check_finite(np.ones((1, 2)), ["怎么还款"]).shape
    (1, 2)
    """
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if wrong.size:
        raise ValueError(
            "Vectors must be finite. The model gave NaN or infinity for "
            f"{wrong.size} of {len(texts)} texts, the first of them "
            f"{shown(texts[wrong[0]])}. "
            "Its weights are broken, or its precision overflows: load it with "
            'dtype="float32" or "mixed_bfloat16".'
        )
    return vectors
