"""Figures of one ranked list of candidates, of which some are relevant.

Each takes the relevance of the candidates in the order in which they are
ranked, best first, and that of those which a search did not find: these have
no place, and count where figures are shares of what is relevant. A candidate
of relevance above 0 is relevant; without one there are none of these figures.
"""

import numpy as np

from semmatch._checks import check_positive_int


def reciprocal_rank(relevance, unretrieved=()):
    """1 by the place of the first relevant candidate; its mean is the MRR.

    Args:
        relevance: numbers of at least 0, `(n,)`, best place first.
        unretrieved: numbers of at least 0, the relevance of candidates that
            were not found.

    Returns:
        float in [0, 1]; 0 if none of the relevant ones was found.

    >>> reciprocal_rank([0, 1, 0, 1]), reciprocal_rank([0, 0], [1])
    (0.5, 0.0)

    Raises:
        ValueError: for other relevances, and if no candidate is relevant.
    """
    relevance, _ = _check_relevance(relevance, unretrieved)
    places = 1 + np.flatnonzero(relevance > 0)
    return float(1 / places[0]) if len(places) else 0.0


def ranked_average_precision(relevance, unretrieved=()):
    """The mean precision at the relevant candidates; its mean is the MAP.

    Unlike `average_precision` it goes by places, also where scores are equal.
    At a relevant candidate that was not found the precision is 0.

    Args:
        relevance: as of `reciprocal_rank`.
        unretrieved: as of `reciprocal_rank`.

    Returns:
        float in [0, 1].

    >>> ranked_average_precision([0, 1, 0, 1])  # (1/2 + 2/4) / 2
    0.5

    Raises:
        ValueError: as `reciprocal_rank`.
    """
    relevance, unretrieved = _check_relevance(relevance, unretrieved)
    places = 1 + np.flatnonzero(relevance > 0)
    total = len(places) + np.sum(unretrieved > 0)
    return float(np.sum(np.arange(1, len(places) + 1) / places) / total)


def ndcg_at(relevance, k, unretrieved=()):
    """Normalised discounted cumulative gain of the first `k` places.

    A candidate of relevance r in place p gains `(2 ** r - 1) / log2(1 + p)`;
    the sum is divided by that of the best order of all candidates, found or
    not.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of
    IR techniques", with the gain of Burges et al. 2005, "Learning to rank
    using gradient descent".

    Args:
        relevance: as of `reciprocal_rank`.
        k: int, may be more than there are candidates.
        unretrieved: as of `reciprocal_rank`.

    Returns:
        float in [0, 1].

    >>> round(ndcg_at([0, 1, 0], 3), 4)  # 1 / log2(3)
    0.6309

    Raises:
        ValueError: as `reciprocal_rank`; if `k` is no integer of at least 1.
    """
    relevance, unretrieved = _check_relevance(relevance, unretrieved)
    k = check_positive_int(k, "k")
    best = np.sort(np.concatenate([relevance, unretrieved]))[::-1]
    return _gain(relevance[:k], best[0]) / _gain(best[:k], best[0])


def recall_at(relevance, k, unretrieved=()):
    """The share of the relevant candidates that stand in the first `k` places.

    Args:
        relevance: as of `reciprocal_rank`.
        k: int, may be more than there are candidates.
        unretrieved: as of `reciprocal_rank`.

    Returns:
        float in [0, 1].

    >>> recall_at([0, 1, 0, 1], 3)
    0.5

    Raises:
        ValueError: as `ndcg_at`.
    """
    relevance, unretrieved = _check_relevance(relevance, unretrieved)
    k = check_positive_int(k, "k")
    total = np.sum(relevance > 0) + np.sum(unretrieved > 0)
    return float(np.sum(relevance[:k] > 0) / total)


def hit_at(relevance, k, unretrieved=()):
    """1 if a relevant candidate stands in the first `k` places, else 0.

    Args:
        relevance: as of `reciprocal_rank`.
        k: int, may be more than there are candidates.
        unretrieved: as of `reciprocal_rank`.

    Returns:
        float, 0 or 1.

    >>> hit_at([0, 1, 0, 1], 1), hit_at([0, 1, 0, 1], 2)
    (0.0, 1.0)

    Raises:
        ValueError: as `ndcg_at`.
    """
    return float(recall_at(relevance, k, unretrieved) > 0)


def _gain(relevance, top):
    """The discounted cumulative gain of candidates in their order.

    As a share of `2**top`, which no grade is above: so that it is finite.
    """
    discounts = np.log2(2 + np.arange(len(relevance)))
    gains = 2.0 ** (relevance - top) - 2.0**-top
    return float(np.sum(gains / discounts))


def _check_relevance(relevance, unretrieved):
    """Both as float64 `(n,)`, if one of them holds a relevant candidate."""
    checked = {"relevance": relevance, "unretrieved": unretrieved}
    for name, values in checked.items():
        values = np.asarray(values, "float64")
        finite = np.isfinite(values).all()
        if values.ndim != 1 or not finite or (values < 0).any():
            raise ValueError(
                f"`{name}` must be finite numbers of at least 0, one for each "
                f"candidate, shape (n,). Received: {values.tolist()}."
            )
        checked[name] = values
    relevance, unretrieved = checked.values()
    if not (relevance > 0).any() and not (unretrieved > 0).any():
        raise ValueError(
            "A ranked list needs a candidate of relevance above 0. Received: "
            f"{len(relevance) + len(unretrieved)} candidates without. Leave "
            "such lists out."
        )
    return relevance, unretrieved
