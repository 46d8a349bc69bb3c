"""Comparisons of figures against all exchanges there are, and theory."""

import itertools
import json
import math

import numpy as np
import pytest

from semmatch.data import Pairs
from semmatch.data import RankedLists
from semmatch.evaluation import compare_correlations
from semmatch.evaluation import compare_rankings
from semmatch.evaluation import evaluate_ranking
from semmatch.evaluation import pearson
from semmatch.evaluation import RankingReport
from semmatch.evaluation import spearman
from semmatch.evaluation.correlations import ranks
from semmatch.evaluation.figure_comparison import paired_differences
from tests.evaluation.fixed_scores import FixedScores
from tests.evaluation.fixed_scores import pairs_of
from tests.evaluation.test_ranking import ByName
from tests.evaluation.test_ranking import lists_of


def mean(values, rows):
    return {"mean": float(values[rows].mean())}


def share_of_exchanges(measure, a, b):
    """Of all 2 ** n exchanges, the share that differs as much or more."""
    observed = abs(measure(a) - measure(b))
    counts = []
    for kept in itertools.product([True, False], repeat=len(a)):
        one, other = np.where(kept, a, b), np.where(kept, b, a)
        difference = abs(measure(one) - measure(other))
        counts.append(difference >= observed - 1e-12)
    return np.mean(counts)


def report_of(first_places, *, depth=None, without=0):
    """A report on queries whose first relevant candidate stands there."""
    mrr = np.array([*(1 / np.array(first_places)), *[np.nan] * without])
    total = len(mrr)
    return RankingReport(
        queries=[f"query {number}" for number in range(total)],
        per_query={"mrr": mrr},
        num_lists=total,
        num_without_relevant=without,
        depth=depth,
        **dict.fromkeys(
            [
                *("threshold", "intervals", "mrr", "map", "ndcg", "recall"),
                *("hit", "answered", "right_answers", "false_answers"),
            ]
        ),
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_p_value_of_a_mean_is_that_of_all_exchanges(seed):
    a, b = np.random.default_rng(seed).random((2, 9))
    b -= 0.1 * seed
    expected = share_of_exchanges(np.mean, a, b)
    found = paired_differences(mean, a, b, 4000, seed=0)["mean"]
    # Four standard errors of a share of 4,000.
    assert found.p_value == pytest.approx(expected, abs=0.032)
    assert found.difference == pytest.approx(a.mean() - b.mean())


def test_the_interval_of_a_mean_is_that_of_its_paired_differences():
    random = np.random.default_rng(0)
    both = random.normal(size=400)  # what makes a query hard for both
    a, b = both + 0.3 * random.normal(size=(2, 400))
    found = paired_differences(mean, a, b, 2000, seed=0)["mean"]
    half = 1.96 * np.std(a - b) / 20
    assert found.interval == pytest.approx(
        (found.difference - half, found.difference + half), abs=0.005
    )
    assert half < 0.05  # and 0.14 of two samples of their own


def test_equal_systems_are_called_different_as_often_as_it_says():
    random = np.random.default_rng(0)
    p_values = []
    for trial in range(400):
        # Places of questions, few and skewed, as reciprocal ranks are.
        a, b = 1 / random.geometric(0.5, size=(2, 25))
        found = paired_differences(mean, a, b, 99, seed=trial)["mean"]
        p_values.append(found.p_value)
    assert 0.02 < np.mean(np.array(p_values) <= 0.05) < 0.08


def test_a_system_does_not_differ_from_itself_and_may_differ_always():
    values = np.arange(8.0)
    same = paired_differences(mean, values, values, 50, seed=0)["mean"]
    assert same[1:] == (3.5, 3.5, 0, (0, 0), 1)
    far = paired_differences(mean, values + 1, values, 400, seed=0)["mean"]
    assert far.interval == (1, 1)
    # Two exchanges of 256 are as far: none and all.
    assert far.p_value == pytest.approx(2 / 256, abs=0.015)


def test_resamples_without_the_figure_tell_nothing():
    def undefined(values, rows):
        every = np.array_equal(rows, np.arange(3)) and values[0] > values[1]
        return {"mean": values.mean() if every else math.nan}

    a, b = np.array([3.0, 0, 0]), np.array([2.0, 1, 0])
    found = paired_differences(undefined, a, b, 50, seed=1)["mean"]
    assert found.p_value == 1
    assert found.interval is None or found.interval == (0, 0)


def test_correlations_of_two_models_by_their_definitions():
    random = np.random.default_rng(1)
    labels = np.array([0, 1, 1, 2, 3, 4, 5, 5])
    a, b = labels / 5 + random.normal(scale=[[0.1], [0.6]], size=(2, 8))
    # Exchanged are ranks and standardised scores: scales do not matter.
    models = FixedScores(a), FixedScores(0.5 + b / 10)
    found = compare_correlations(*models, pairs_of(labels), num_resamples=1500)
    assert list(found.figures) == ["spearman", "pearson"]
    scales = {"spearman": ranks, "pearson": lambda x: (x - x.mean()) / x.std()}
    for name, correlation in (("spearman", spearman), ("pearson", pearson)):
        figure = found.figures[name]
        assert figure.num_examples == 8
        assert figure.a == pytest.approx(correlation(labels, a))
        assert figure.b == pytest.approx(correlation(labels, b))
        assert figure.difference == figure.a - figure.b > 0
        expected = share_of_exchanges(
            lambda values, f=correlation: f(labels, values),
            *map(scales[name], (a, b)),
        )
        assert figure.p_value == pytest.approx(expected, abs=0.05)
        low, high = figure.interval
        assert low < figure.difference < high


def test_the_order_of_the_models_changes_the_sign_alone():
    random = np.random.default_rng(2)
    labels = random.integers(0, 6, 50)
    models = [FixedScores(labels + random.normal(size=50)) for _ in range(2)]
    pairs = pairs_of(labels)
    one = compare_correlations(*models, pairs, num_resamples=50)
    other = compare_correlations(*models[::-1], pairs, num_resamples=50)
    for name, figure in one.figures.items():
        mirrored = other.figures[name]
        assert mirrored.difference == -figure.difference
        low, high = figure.interval
        assert mirrored.interval == pytest.approx((-high, -low))
        assert mirrored.p_value == pytest.approx(figure.p_value)
    again = compare_correlations(*models, pairs, num_resamples=50)
    assert again == one
    assert compare_correlations(*models, pairs, num_resamples=51) != one
    assert compare_correlations(*models, pairs, num_resamples=50, seed=1) != one


def test_rankings_are_compared_query_by_query():
    # First relevant places 1, 2, 1 and, by the mirrored scores, 3, 1, 1.
    lists = lists_of(
        {"0.3": 0, "0.9": 1, "0.2": 0},
        {"0.1": 1, "0.6": 0},
        {"0.7": 1},
        {"0.8": 0},
        {"0.4": 0},
    )

    class Mirrored(ByName):
        def rank_many(self, queries, candidates):
            return [
                places[::-1]
                for places in super().rank_many(queries, candidates)
            ]

    report_a = evaluate_ranking(ByName(), lists, ks=[1, 2], num_resamples=5)
    report_b = evaluate_ranking(Mirrored(0.1), lists, ks=[1], num_resamples=5)
    found = compare_rankings(report_a, report_b, num_resamples=2000)
    assert list(found.figures) == [
        *("mrr", "map", "ndcg@1", "recall@1", "hit@1"),
        *("answered", "right_answers", "false_answers"),
    ]
    mrr = found.figures["mrr"]
    assert mrr.num_examples == 3
    assert mrr.a == pytest.approx((1 + 1 / 2 + 1) / 3) == report_a.mrr
    assert mrr.b == pytest.approx((1 / 3 + 1 + 1) / 3) == report_b.mrr
    values = [report.per_query["mrr"][:3] for report in (report_a, report_b)]
    expected = share_of_exchanges(np.mean, *values)
    assert mrr.p_value == pytest.approx(expected, abs=0.045)
    # Of the two without an answer a gives one to one, b to both.
    false = found.figures["false_answers"]
    assert false[:4] == (2, 0.5, 1, -0.5)


def test_the_text_shows_every_figure():
    found = compare_rankings(report_of([1] * 9 + [2]), report_of([2] * 10))
    figure = found.figures["mrr"]
    lines = str(found).splitlines()
    assert " ".join(lines[0].split()) == "a b a - b 95 % interval p examples"
    low, high = figure.interval
    assert lines[1].split() == [
        *("mrr", "0.9500", "0.5000", "+0.4500", f"{low:+.4f}", "to"),
        *(f"{high:+.4f}", f"{figure.p_value:.2g}", "10"),
    ]
    assert len(lines) == 2


def test_the_dictionary_is_json_and_complete():
    found = compare_rankings(report_of([1, 2]), report_of([2, 3]))
    values = found.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert set(values) == {"mrr"}
    assert set(values["mrr"]) == set(found.figures["mrr"]._fields)
    assert values["mrr"]["a"] == 0.75


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (report_of([1, 2, 3]), "2 and 3 queries, which differ from query 2 on"),
        (report_of([1], without=1), "query 1 has one in one report alone"),
        (report_of([1, 2], depth=10), "Received: depth=None and 10"),
    ],
)
def test_reports_of_other_queries_are_refused(report, message):
    with pytest.raises(ValueError, match=f"`compare_rankings` ex.*{message}"):
        compare_rankings(report_of([1, 2]), report)


def test_reports_of_other_texts_are_refused():
    lists = [
        RankedLists([q], [["0.1"]], [[1]]) for q in ("怎么还款", "怎么开户")
    ]
    reports = [
        evaluate_ranking(ByName(), own, num_resamples=1) for own in lists
    ]
    with pytest.raises(ValueError, match="which differ from query 0 on"):
        compare_rankings(*reports)


@pytest.mark.parametrize(
    ("pairs", "scores", "message"),
    [
        (Pairs([], [], []), [], "`compare_correlations` expects at least one"),
        (Pairs(["a"], ["b"]), [0.1], "`compare_correlations` expects pairs w"),
        (pairs_of([2, 2]), [0.1, 0.2], "labels of two values or more"),
        (pairs_of([2, 3]), [0.1, 0.1], "scores of two values or more"),
        (pairs_of([1, 2]), [[0.2, 0.3, 0.5]] * 2, r"scores.shape=\(2, 3\)"),
    ],
)
def test_a_comparison_of_correlations_refuses(pairs, scores, message):
    model = FixedScores(np.array(scores))
    with pytest.raises(ValueError, match=message):
        compare_correlations(model, model, pairs)


def test_the_number_of_resamples_is_checked_before_the_scoring():
    with pytest.raises(ValueError, match="`num_resamples` must be an integer"):
        compare_correlations(None, None, pairs_of([0, 1]), num_resamples=0)
    with pytest.raises(ValueError, match="`num_resamples` must be an integer"):
        compare_rankings(None, None, num_resamples=0.5)
