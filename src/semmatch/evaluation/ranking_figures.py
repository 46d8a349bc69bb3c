"""Figures of one ranked list of candidates, of which some are relevant.

Each takes the relevance of the candidates in the order in which they are
ranked, best first. A candidate of relevance above 0 is relevant; a list
without one has none of these figures.
"""

import numpy as np

from semmatch._checks import check_positive_int


def reciprocal_rank(relevance):
    """1 by the place of the first relevant candidate; its mean is the MRR.

    Args:
        relevance: numbers of at least 0, `(n,)`, best place first.

    Returns:
        float in (0, 1].

    >>> reciprocal_rank([0, 1, 0, 1])
    0.5

    Raises:
        ValueError: for other relevances, and if no candidate is relevant.
    """
    relevant = _check_relevance(relevance) > 0
    return float(1 / (1 + np.argmax(relevant)))


def ranked_average_precision(relevance):
    """The mean precision at the relevant candidates; its mean is the MAP.

    Unlike `average_precision` it goes by places, also where scores are equal.

    Args:
        relevance: as of `reciprocal_rank`.

    Returns:
        float in (0, 1].

    >>> ranked_average_precision([0, 1, 0, 1])  # (1/2 + 2/4) / 2
    0.5

    Raises:
        ValueError: as `reciprocal_rank`.
    """
    places = 1 + np.flatnonzero(_check_relevance(relevance) > 0)
    return float(np.mean(np.arange(1, len(places) + 1) / places))


def ndcg_at(relevance, k):
    """Normalised discounted cumulative gain of the first `k` places.

    A candidate of relevance r in place p gains `(2 ** r - 1) / log2(1 + p)`;
    the sum is divided by that of the best order of all candidates.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of
    IR techniques", with the gain of Burges et al. 2005, "Learning to rank
    using gradient descent".

    Args:
        relevance: as of `reciprocal_rank`.
        k: int, may be more than there are candidates.

    Returns:
        float in [0, 1].

    >>> round(ndcg_at([0, 1, 0], 3), 4)  # 1 / log2(3)
    0.6309

    Raises:
        ValueError: as `reciprocal_rank`; if `k` is no integer of at least 1.
    """
    relevance, k = _check_relevance(relevance), check_positive_int(k, "k")
    gains = 2.0**relevance - 1
    discounts = np.log2(2 + np.arange(len(gains)))[:k]
    best = np.sort(gains)[::-1]
    return float(np.sum(gains[:k] / discounts) / np.sum(best[:k] / discounts))


def recall_at(relevance, k):
    """The share of the relevant candidates that stand in the first `k` places.

    Args:
        relevance: as of `reciprocal_rank`.
        k: int, may be more than there are candidates.

    Returns:
        float in [0, 1].

    >>> recall_at([0, 1, 0, 1], 3)
    0.5

    Raises:
        ValueError: as `ndcg_at`.
    """
    relevant = _check_relevance(relevance) > 0
    k = check_positive_int(k, "k")
    return float(relevant[:k].sum() / relevant.sum())


def hit_at(relevance, k):
    """1 if a relevant candidate stands in the first `k` places, else 0.

    Args:
        relevance: as of `reciprocal_rank`.
        k: int, may be more than there are candidates.

    Returns:
        float, 0 or 1.

    >>> hit_at([0, 1, 0, 1], 1), hit_at([0, 1, 0, 1], 2)
    (0.0, 1.0)

    Raises:
        ValueError: as `ndcg_at`.
    """
    return float(recall_at(relevance, k) > 0)


def _check_relevance(relevance):
    relevance = np.asarray(relevance, "float64")
    finite = np.isfinite(relevance).all()
    if relevance.ndim != 1 or not finite or (relevance < 0).any():
        raise ValueError(
            "`relevance` must be finite numbers of at least 0, one for each "
            f"candidate, shape (n,). Received: {relevance.tolist()}."
        )
    if not (relevance > 0).any():
        raise ValueError(
            "A ranked list needs a candidate of relevance above 0. Received: "
            f"{len(relevance)} candidates without. Leave such lists out."
        )
    return relevance
