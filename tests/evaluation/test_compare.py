"""Comparisons against exact counting and published values."""

import fractions
import json
import math

import numpy as np
import pytest

from semmatch.data import Pairs
from semmatch.evaluation import compare
from semmatch.evaluation.compare import mcnemar
from semmatch.evaluation.compare import paired_interval
from tests.evaluation.fixed_scores import FixedScores

PAIRS = Pairs(list("abcdef"), list("ghijkl"), [1, 1, 1, 0, 0, 0])
# Of the six, a alone gets rows 0 and 1 right, b alone row 5.
MODEL_A = FixedScores([0.9, 0.8, 0.2, 0.3, 0.4, 0.7])
MODEL_B = FixedScores([0.7, 0.2, 0.3, 0.1, 0.1, 0.6], threshold=0.75)


def exact_p_value(only_a, only_b):
    """By whole numbers and fractions."""
    tosses, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(tosses, heads) for heads in range(fewer + 1))
    return min(1.0, float(fractions.Fraction(2 * tail, 2**tosses)))


def test_each_pair_is_counted_once_at_its_models_threshold():
    comparison = compare(MODEL_A, MODEL_B, PAIRS)
    assert comparison.both_right == 2
    assert comparison.only_a_right == 2
    assert comparison.only_b_right == 1
    assert comparison.both_wrong == 1
    assert comparison.accuracy_a == 4 / 6
    assert comparison.accuracy_b == 3 / 6
    assert comparison.difference == pytest.approx(4 / 6 - 3 / 6)
    # Of three tosses at most one, twice: all there is.
    assert comparison.p_value == 1
    assert comparison.difference_interval == paired_interval(2, 1, 6)


def test_the_order_of_the_models_changes_the_sign_alone():
    one = compare(MODEL_A, MODEL_B, PAIRS)
    other = compare(MODEL_B, MODEL_A, PAIRS)
    assert other.difference == -one.difference
    low, high = one.difference_interval
    assert other.difference_interval == pytest.approx((-high, -low))
    assert other.p_value == one.p_value
    assert (other.only_a_right, other.only_b_right) == (1, 2)


def test_the_largest_of_several_scores_decides():
    scores = [[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.1, 0.7]]
    pairs = Pairs(list("abc"), list("def"), [0, 1, 1])
    comparison = compare(FixedScores(scores), FixedScores([0.9] * 3), pairs)
    assert comparison.accuracy_a == comparison.accuracy_b == 2 / 3
    assert (comparison.only_a_right, comparison.only_b_right) == (1, 1)


@pytest.mark.parametrize("only_a", [0, 1, 4, 9, 30])
@pytest.mark.parametrize("only_b", [0, 1, 5, 9, 70])
def test_the_p_value_is_exact(only_a, only_b):
    expected = exact_p_value(only_a, only_b)
    assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-12)


def test_the_p_value_of_many_pairs_is_exact():
    expected = exact_p_value(1430, 1570)
    assert 0.01 < expected < 0.012
    assert mcnemar(1430, 1570) == pytest.approx(expected, rel=1e-9)


def test_a_hundred_thousand_pairs_neither_overflow_nor_vanish():
    # By the normal distribution, with the correction for continuity.
    for fewer in (50_000, 49_700, 49_000):
        distance = 2 * (50_000 - fewer) - 1
        normal = math.erfc(distance / math.sqrt(100_000) / math.sqrt(2))
        found = mcnemar(fewer, 100_000 - fewer)
        assert found == pytest.approx(min(1, normal), rel=0.01)
    assert mcnemar(0, 100_000) == 0


def test_the_interval_is_that_of_the_r_package_propcis():
    # The example of PropCIs::diffpropci.mp(b = 40, c = 20, n = 160).
    low, high = paired_interval(20, 40, 160)
    assert low == pytest.approx(-0.21601726, abs=1e-8)
    assert high == pytest.approx(-0.03089632, abs=1e-8)


def test_the_interval_stays_within_1_and_is_never_empty():
    assert paired_interval(3, 0, 3)[1] == 1
    assert paired_interval(0, 3, 3)[0] == -1
    low, high = paired_interval(0, 0, 50)
    assert low == -high < 0


def test_the_interval_covers_the_difference_as_often_as_it_says():
    random = np.random.default_rng(0)
    shares, total = [0.2, 0.1, 0.7], 150
    draws = random.multinomial(total, shares, size=2000)
    covered = [
        low <= 0.1 <= high
        for low, high in (paired_interval(a, b, total) for a, b, _ in draws)
    ]
    assert 0.94 < np.mean(covered) < 0.97


def test_the_text_shows_every_figure():
    comparison = compare(MODEL_A, MODEL_B, PAIRS)
    low, high = comparison.difference_interval
    lines = str(comparison).splitlines()
    assert lines[0].split() == ["b", "right", "b", "wrong", "accuracy"]
    assert lines[1].split() == ["a", "right", "2", "2", "a", "0.6667"]
    assert lines[2].split() == ["a", "wrong", "1", "1", "b", "0.5000"]
    assert lines[-1] == (
        f"a - b +0.1667 (95 % interval {low:+.4f} to {high:+.4f}), p = 1 "
        "(McNemar)"
    )


def test_the_dictionary_is_json_and_complete():
    comparison = compare(MODEL_A, MODEL_B, PAIRS)
    values = comparison.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert set(values) == set(vars(comparison))
    assert values["only_a_right"] == 2


def test_graded_labels_of_several_classes_are_refused():
    scores = [[0.5, 0.3, 0.2]] * 2
    pairs = Pairs(list("ab"), list("cd"), [0.5, 1])
    with pytest.raises(ValueError, match="graded scores need a cut"):
        compare(FixedScores(scores), FixedScores(scores), pairs)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (Pairs([], [], []), "`compare` expects at least one pair"),
        (PAIRS[:0], "`compare` expects at least one pair"),
        (Pairs(["a"], ["b"]), "`compare` expects pairs with labels"),
        (
            Pairs(["a"] * 6, ["b"] * 6, [0, 1, 2.5, 4, 5, 5]),
            "Received: labels from 0 to 5. Take `compare_correlations`",
        ),
        (
            Pairs(["a"] * 6, ["b"] * 6, [2] * 6),
            "`compare` expects labels 0 and 1.* labels from 2 to 2",
        ),
        (PAIRS[:5], "Received: 5 labels and 6 scores"),
    ],
)
def test_a_comparison_refuses(pairs, message):
    with pytest.raises(ValueError, match=message):
        compare(MODEL_A, MODEL_B, pairs)
