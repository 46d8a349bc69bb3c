"""Correlations by their definitions, pair by pair."""

import numpy as np
import pytest

from semmatch.evaluation import matthews_correlation
from semmatch.evaluation import pearson
from semmatch.evaluation import spearman
from tests.evaluation.fixed_scores import random_case


def slow_spearman(labels, scores):
    """Each rank is one more than what is below, and half of what is equal."""

    def ranks(values):
        return [
            sum(other < value for other in values)
            + (1 + sum(other == value for other in values)) / 2
            for value in values
        ]

    return np.corrcoef(ranks(labels), ranks(scores))[0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_matthews_is_the_correlation_of_zeros_and_ones(seed):
    labels, scores = random_case(60, seed)
    predictions = scores >= 0.4
    expected = np.corrcoef(labels, predictions)[0, 1]
    assert matthews_correlation(labels, predictions) == pytest.approx(expected)


def test_matthews_of_one_class_is_0_and_of_many_pairs_does_not_overflow():
    assert matthews_correlation([0, 1], [1, 1]) == 0
    assert matthews_correlation([1, 1], [0, 1]) == 0
    half = np.arange(200_000) % 2
    assert matthews_correlation(half, 1 - half) == -1


@pytest.mark.parametrize("seed", range(5))
def test_spearman_is_the_correlation_of_average_ranks(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, 40) / 4  # many ties
    scores = (labels + random.normal(size=40)).round(1)
    assert spearman(labels, scores) == pytest.approx(
        slow_spearman(labels, scores)
    )


@pytest.mark.parametrize("seed", range(5))
def test_pearson_is_the_linear_correlation(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 6, 40)
    scores = (labels + random.normal(size=40)).astype("float32")
    expected = np.corrcoef(labels, scores.astype("float64"))[0, 1]
    assert pearson(labels, scores) == pytest.approx(expected, abs=1e-12)
    # Unlike the order it moves with the scale of the scores.
    bent = np.exp(scores.astype("float64"))
    expected = np.corrcoef(labels, bent)[0, 1]
    assert pearson(labels, bent) == pytest.approx(expected, abs=1e-12)
    assert pearson(labels, bent) < pearson(labels, scores) - 0.1
    assert spearman(labels, bent) == spearman(labels, scores)


def test_a_correlation_is_never_beyond_1():
    for size in range(2, 60):
        labels = np.random.default_rng(size).normal(size=size)
        for correlation in (pearson, spearman):
            assert correlation(labels, labels) == pytest.approx(1)
            assert correlation(labels, labels) <= 1
            assert correlation(labels, -labels) >= -1


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 1], [0.1, 0.2], r"labels of two values.* 2 labels, all \[1.0\]"),
        ([0, 1], [0.1, 0.1], r"scores of two values.* 2 scores, all \[0.1\]"),
        ([], [], "labels of two values or more. Received: 0 labels"),
        ([0, np.nan], [0.1, 0.2], "1 labels that are not finite"),
        ([0, 1], [[0.1, 0.2]] * 2, r"scores.shape=\(2, 2\)"),
        ([0, 1], [0.1], "Received: 2 labels and 1 scores"),
    ],
)
def test_a_correlation_refuses(labels, scores, message):
    for correlation in (pearson, spearman):
        with pytest.raises(ValueError, match=message) as error:
            correlation(labels, scores)
        assert str(error.value).startswith("`labels` and `scores` must") or (
            f"`{correlation.__name__}` expects" in str(error.value)
        )
