"""Which triplets of a batch teach: the hard ones, or the semi-hard."""

import numpy as np
from keras import ops


def hard_triplets(similar, ids):
    """Each text with its farthest positive and its nearest negative.

    Source: Hermans et al. 2017, "In defense of the triplet loss".

    Args:
        similar: float `(texts, texts)`, similarities.
        ids: `(texts,)`, the groups of the texts; a negative one: no text.

    Returns:
        The similarity of the negative without that of the positive, float
        `(texts, 1)`, and bool `(texts, 1)`, whether there is a triplet.

    >>> similar = ops.array([[4.0, 2, 0], [2, 4, 1], [0, 1, 4]])
    >>> gaps, real = hard_triplets(similar, ops.array([0, 0, 1]))
    >>> gaps.numpy()[real].tolist()
    [-2.0, -1.0]
    """
    positive, negative = _relations(ids)
    farthest = ops.min(
        ops.where(positive, similar, np.inf), axis=1, initial=np.inf
    )
    nearest = ops.max(
        ops.where(negative, similar, -np.inf), axis=1, initial=-np.inf
    )
    real = ops.any(positive, axis=1) & ops.any(negative, axis=1)
    gaps = ops.where(real, nearest, 0) - ops.where(real, farthest, 0)
    return gaps[:, None], real[:, None]


def semi_hard_triplets(similar, ids):
    """Each text and positive with the nearest negative beyond the positive.

    Where there is none beyond, it is the farthest negative.

    Source: Schroff et al. 2015, FaceNet.

    Args:
        similar: float `(texts, texts)`, similarities.
        ids: `(texts,)`, the groups of the texts; a negative one: no text.

    Returns:
        The similarity of the negative without that of the positive, float
        `(texts, texts)` of anchors and positives, and bool `(texts, texts)`,
        whether there is a triplet.

    >>> similar = ops.array([[4.0, 2, 0], [2, 4, 1], [0, 1, 4]])
    >>> gaps, real = semi_hard_triplets(similar, ops.array([0, 0, 1]))
    >>> gaps.numpy()[real].tolist()
    [-2.0, -1.0]
    """
    positive, negative = _relations(ids)
    negatives = ops.where(negative, similar, np.inf)
    # Sorted among the negatives, each text shows how many are beyond it:
    # equal ones are not, since sorting keeps it before them.
    order = ops.argsort(ops.concatenate([similar, negatives], axis=1), axis=1)
    texts = ops.shape(similar)[1]
    num_before = ops.cumsum(ops.cast(order >= texts, "int32"), axis=1)
    places = ops.argsort(order, axis=1)[:, :texts]
    num_beyond = ops.take_along_axis(num_before, places, axis=1)
    # The last of them is the nearest; without any, the first the farthest.
    chosen = ops.take_along_axis(
        ops.argsort(negatives, axis=1), ops.maximum(num_beyond - 1, 0), axis=1
    )
    gaps = ops.take_along_axis(similar, chosen, axis=1) - similar
    return gaps, positive & ops.any(negative, axis=1)[:, None]


def _relations(ids):
    """Which text is a positive and which a negative of which, two bools."""
    places = ops.arange(ops.shape(ids)[0])
    same = ids[:, None] == ids[None, :]
    real = (ids >= 0)[:, None] & (ids >= 0)[None, :]
    return same & real & (places[:, None] != places[None, :]), ~same & real
