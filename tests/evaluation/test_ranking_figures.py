"""Figures of a ranked list against their definitions, place by place."""

import itertools
import math

import numpy as np
import pytest

from semmatch.evaluation import hit_at
from semmatch.evaluation import ndcg_at
from semmatch.evaluation import ranked_average_precision
from semmatch.evaluation import recall_at
from semmatch.evaluation import reciprocal_rank

FIGURES = [
    reciprocal_rank,
    ranked_average_precision,
    lambda relevance: ndcg_at(relevance, 3),
    lambda relevance: recall_at(relevance, 3),
    lambda relevance: hit_at(relevance, 3),
]


def slow_average_precision(relevance):
    found, precisions = 0, []
    for place, value in enumerate(relevance, start=1):
        if value > 0:
            found += 1
            precisions.append(found / place)
    return sum(precisions) / found


def slow_gain(relevance, k):
    return sum(
        (2**value - 1) / math.log2(place + 1)
        for place, value in enumerate(relevance[:k], start=1)
    )


def test_figures_of_a_list_by_hand():
    relevance = [0, 2, 0, 1, 0]
    assert reciprocal_rank(relevance) == 1 / 2
    assert ranked_average_precision(relevance) == (1 / 2 + 2 / 4) / 2
    assert [recall_at(relevance, k) for k in (1, 2, 4, 9)] == [0, 0.5, 1, 1]
    assert [hit_at(relevance, k) for k in (1, 2, 9)] == [0, 1, 1]
    # 3 and 1 are the gains, the best order has them first.
    gain = 3 / math.log2(3) + 1 / math.log2(5)
    best = 3 + 1 / math.log2(3)
    assert ndcg_at(relevance, 4) == pytest.approx(gain / best)
    assert ndcg_at(relevance, 9) == pytest.approx(gain / best)
    assert ndcg_at(relevance, 2) == pytest.approx(3 / math.log2(3) / best)
    assert ndcg_at(relevance, 1) == 0


@pytest.mark.parametrize("top", [300, 1100, 1e9])
def test_grades_of_any_size_have_a_gain(top):
    # Against the next the highest grade alone counts.
    assert ndcg_at([0, top, top - 60], 3) == pytest.approx(1 / math.log2(3))


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(10))
def test_figures_of_a_list_place_by_place(seed, k):
    relevance = np.random.default_rng(seed).integers(-3, 4, 6).clip(0)
    relevance[seed % 6] = 1
    relevant = [place for place, value in enumerate(relevance) if value]
    assert reciprocal_rank(relevance) == 1 / (relevant[0] + 1)
    assert ranked_average_precision(relevance) == pytest.approx(
        slow_average_precision(relevance)
    )
    # The best of all orders, tried one by one.
    best = max(slow_gain(o, k) for o in itertools.permutations(relevance))
    assert ndcg_at(relevance, k) == pytest.approx(
        slow_gain(relevance.tolist(), k) / best
    )
    first = sum(place < k for place in relevant)
    assert recall_at(relevance, k) == first / len(relevant)
    assert hit_at(relevance, k) == (first > 0)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(10))
def test_what_is_not_found_counts_as_if_it_stood_behind_all(seed, k):
    relevance = np.random.default_rng(seed).integers(-3, 4, 7).clip(0)
    relevance[seed % 7] = 1
    found, lost = relevance[:4], relevance[4:]
    # A million places further on, a place adds as good as nothing.
    far = np.concatenate([found, np.zeros(10**6), lost])
    for figure in (reciprocal_rank, ranked_average_precision):
        assert figure(found, lost) == pytest.approx(figure(far), abs=1e-5)
    for figure in (recall_at, hit_at, ndcg_at):
        assert figure(found, k, lost) == pytest.approx(figure(far, k))
    best = max(slow_gain(o, k) for o in itertools.permutations(relevance))
    expected = slow_gain(found.tolist(), k) / best
    assert ndcg_at(found, k, lost) == pytest.approx(expected)


def test_where_nothing_is_found_all_is_0():
    for figure in (reciprocal_rank, ranked_average_precision):
        assert figure([0, 0], [1]) == figure([], [2]) == 0
    for figure in (recall_at, hit_at, ndcg_at):
        assert figure([0, 0], 3, [1]) == figure([], 3, [2]) == 0


def test_the_best_order_is_1_in_all_figures():
    assert [figure([3, 2, 1, 0]) for figure in FIGURES] == [1] * 5


def test_relevance_may_be_a_fraction():
    best = 1 + (2**0.5 - 1) / math.log2(3)
    expected = ((2**0.5 - 1) + 1 / math.log2(3)) / best
    assert ndcg_at([0.5, 1.0], 2) == pytest.approx(expected)
    assert reciprocal_rank([0.5, 1.0]) == 1


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize(
    ("relevance", "message"),
    [
        ([0, 0], "relevance above 0. Received: 2 candidates without"),
        ([], "relevance above 0. Received: 0 candidates"),
        ([1, -1], r"at least 0, .*Received: \[1.0, -1.0\]"),
        ([1, np.nan], r"finite numbers.*nan"),
        ([[1, 0]], r"shape \(n,\). Received: \[\[1.0, 0.0\]\]"),
    ],
)
def test_a_figure_refuses(figure, relevance, message):
    with pytest.raises(ValueError, match=message):
        figure(relevance)


@pytest.mark.parametrize("lost", [[-1], [np.nan], [[1]]])
def test_what_is_not_found_is_checked_as_well(lost):
    with pytest.raises(ValueError, match="`unretrieved` must be finite numb"):
        reciprocal_rank([1], lost)


@pytest.mark.parametrize("figure", [ndcg_at, recall_at, hit_at])
def test_a_number_of_places_is_a_count(figure):
    with pytest.raises(ValueError, match="`k` must be an integer of at least"):
        figure([1, 0], 0)
