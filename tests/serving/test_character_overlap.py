"""The floor against counts made by hand, wherever a model is evaluated."""

import numpy as np
import pytest

from semmatch._overlap import character_overlap
from semmatch.data import Pairs
from semmatch.data import RankedLists
from semmatch.evaluation import choose_threshold
from semmatch.evaluation import compare
from semmatch.evaluation import evaluate_pairs
from semmatch.evaluation import evaluate_ranking
from semmatch.serving import CharacterOverlap

# Dice coefficients 1, 2/3, 2/5 and 0.
PAIRS = Pairs(["ab", "aa", "abc", "ab"], ["ba", "a", "ad", "cd"], [1, 1, 0, 0])
OVERLAPS = [1, 2 / 3, 2 / 5, 0]


def test_the_overlap_is_the_dice_coefficient_of_character_counts():
    assert character_overlap("aab", "abb") == 4 / 6  # a and b, once each
    assert character_overlap("aa", "a") == 2 / 3
    assert character_overlap(" ab ", "ba") == 1
    assert character_overlap("ab", "cd") == 0
    assert character_overlap(" ", "") == 0


def test_scores_are_the_coefficients():
    scores = CharacterOverlap().score(PAIRS)
    np.testing.assert_allclose(scores, OVERLAPS, atol=1e-7)
    assert scores.dtype == "float32"
    assert CharacterOverlap().score([]).shape == (0,)
    with pytest.raises(TypeError, match="the second text of pair 1"):
        CharacterOverlap().score([("a", "b"), ("a", None)])


def test_it_is_evaluated_as_a_model_is():
    chosen = choose_threshold(PAIRS.label, CharacterOverlap().score(PAIRS))
    assert 2 / 5 < chosen.value < 2 / 3
    fitted, strict = CharacterOverlap(chosen.value), CharacterOverlap(0.9)
    report = evaluate_pairs(strict, PAIRS, num_resamples=5)
    assert (report.accuracy, report.auc, report.threshold) == (3 / 4, 1, 0.9)
    comparison = compare(fitted, strict, PAIRS)
    assert (comparison.accuracy_a, comparison.accuracy_b) == (1, 3 / 4)
    graded = Pairs(PAIRS.text_a, PAIRS.text_b, [5, 4, 1, 2])
    report = evaluate_pairs(strict, graded, num_resamples=5)
    expected = np.corrcoef(graded.label, OVERLAPS)[0, 1]
    assert report.pearson == pytest.approx(expected, abs=1e-6)


def test_it_ranks():
    lists = RankedLists(
        ["ab", "ab"], [["cd", "abc"], ["ad", "a"]], [[0, 1]] * 2
    )
    report = evaluate_ranking(CharacterOverlap(), lists, num_resamples=5)
    assert report.mrr == 1
    places = CharacterOverlap(0.7).rank("ab", ["cd", "abc", "ac"])
    assert [place.index for place in places] == [1, 2, 0]
    assert [place.band for place in places] == ["match", "none", "none"]
    with pytest.raises(ValueError, match="`threshold` must be in"):
        CharacterOverlap(1.5)
