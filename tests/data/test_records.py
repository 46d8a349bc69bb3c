"""Records keep what is right and explain what is not."""

import dataclasses

import numpy as np
import pytest

from semmatch.data import Pairs
from semmatch.data import RankedLists


def pairs(label=(0, 1, 0)):
    return Pairs(["a", "b", "c"], ["d", "e", "f"], label)


@pytest.mark.parametrize(
    ("label", "dtype"),
    [
        ([0, 1, 2], "int64"),
        ([0.0, 1.0, 1.0], "int64"),
        ([True, False, True], "int64"),
        (np.array([[1], [0], [1]]), "int64"),
        ([0.0, 0.5, 1.0], "float32"),
    ],
)
def test_whole_labels_are_int64_and_others_float32(label, dtype):
    result = pairs(label).label
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.ravel(label))


def test_labels_may_be_absent():
    unlabelled = pairs(None)
    assert unlabelled.label is None
    assert unlabelled[1:].label is None
    assert repr(unlabelled) == "Pairs(3 pairs, no labels)"


@pytest.mark.parametrize(
    "rows", [slice(1, 3), [1, 2], np.array([1, 2]), np.array([0, 1, 1]) == 1]
)
def test_rows_are_taken_together(rows):
    taken = Pairs(["a", "b", "c"], ["d", "e", "f"], [0, 1, 2], ("x",))[rows]
    assert taken.text_a == ["b", "c"]
    assert taken.text_b == ["e", "f"]
    assert taken.label.tolist() == [1, 2]
    assert taken.skipped == ("x",)


def test_one_row_is_refused_with_the_slice():
    with pytest.raises(TypeError, match=r"For one row use pairs\[1:2\]"):
        pairs()[1]


def test_a_description_is_short():
    assert repr(pairs([1, 1, 0])) == "Pairs(3 pairs, labels of mean 0.667)"
    assert repr(pairs()[:0]) == "Pairs(0 pairs, empty)"


def test_records_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        pairs().label = None


def test_tuples_and_arrays_of_strings_become_lists():
    record = Pairs(("a", "b"), np.array(["c", "d"]))
    assert record.text_a == ["a", "b"]
    assert isinstance(record.text_b, list)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("ab", ["c"]), TypeError, "`text_a` must be a list.*string: 'ab'"),
        ((["a"], "c"), TypeError, "`text_b` must be a list.*string: 'c'"),
        ((["a", None], ["c", "d"]), TypeError, r"text_a\[1\].*None"),
        ((["a"], [3.5]), TypeError, r"text_b\[0\].*3.5 of type float"),
        ((["a"], ["\ud800"]), ValueError, r"text_b\[0\].*lone surrogate"),
        ((["a", "b"], ["c"]), ValueError, "2 of text_a, 1 of text_b"),
        ((["a"], ["c"], [0, 1]), ValueError, r"shape \(1,\).*\(2,\)"),
        ((["a"], ["c"], [[0, 1]]), ValueError, "argmax"),
        ((["a"], ["c"], ["yes"]), ValueError, r"numbers.*\['yes'\]"),
        ((["a"], ["c"], [np.nan]), ValueError, r"label\[0\]=nan, and 1"),
        ((["a"], ["c"], [np.inf]), ValueError, r"label\[0\]=inf"),
    ],
)
def test_bad_pairs_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Pairs(*arguments)


def test_ranked_lists():
    lists = RankedLists(["q", "r"], [["a", "b"], ["c"]], [[1, 0], [0.5]])
    assert len(lists) == 2
    assert [label.dtype for label in lists.label] == ["int64", "float32"]
    assert repr(lists) == "RankedLists(2 queries, 3 candidates)"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["q"], [], []), ValueError, "1 of query, 0 of candidates"),
        ((["q"], [["a"]], [[1, 0]]), ValueError, r"shape \(1,\).*\(2,\)"),
        ((["q"], ["ab"], [[1, 0]]), TypeError, r"candidates\[0\].*'ab'"),
        (([None], [["a"]], [[1]]), TypeError, r"query\[0\].*None"),
    ],
)
def test_bad_ranked_lists_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        RankedLists(*arguments)


def test_pairs_become_one_list_for_each_first_text():
    pairs = Pairs(list("qrqsr"), list("abcde"), [1, 0, 0, 2, 1])
    lists = RankedLists.from_pairs(pairs)
    assert lists.query == ["q", "r", "s"]
    assert lists.candidates == [["a", "c"], ["b", "e"], ["d"]]
    assert [label.tolist() for label in lists.label] == [[1, 0], [0, 1], [2]]
    assert len(RankedLists.from_pairs(pairs[:0])) == 0


def test_pairs_without_labels_are_no_lists():
    message = r"needs pairs with labels.* Received: Pairs\(3 pairs, no labels\)"
    with pytest.raises(ValueError, match=message):
        RankedLists.from_pairs(pairs(None))
