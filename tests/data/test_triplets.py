"""Triplets keep what is given and say what is wrong with it."""

import numpy as np
import pytest

from semmatch.data import Pairs
from semmatch.data import Triplets

UNEVEN = Triplets(
    ["a", "b", "c"], ["d", "e", "f"], [["g", "h"], [], ["i"]], ["x", 1, "x"]
)


def test_columns_become_lists_and_a_string_is_one_negative():
    triplets = Triplets(("a", "b"), np.array(["c", "d"]), ["e", ("f", "g")])
    assert triplets.anchor == ["a", "b"]
    assert triplets.positive == ["c", "d"]
    assert triplets.negatives == [["e"], ["f", "g"]]
    assert triplets.groups is None
    assert repr(triplets) == "Triplets(2 rows, 3 negatives)"


def test_a_description_counts_groups():
    assert repr(UNEVEN) == "Triplets(3 rows, 3 negatives, 2 groups)"


@pytest.mark.parametrize(
    "rows", [slice(1, 3), [1, 2], np.array([False, True, True])]
)
def test_rows_are_taken_together(rows):
    taken = UNEVEN[rows]
    assert len(taken) == 2
    assert taken.anchor == ["b", "c"]
    assert taken.positive == ["e", "f"]
    assert taken.negatives == [[], ["i"]]
    assert taken.groups == [1, "x"]
    assert Triplets(["a"], ["b"], [[]])[:1].groups is None


def test_one_row_is_refused_with_the_slice():
    message = r"`Triplets` is indexed.* For one row use triplets\[2:3\]"
    with pytest.raises(TypeError, match=message):
        UNEVEN[2]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["a"], ["b", "c"], ["d"]), ValueError, "1 of anchor, 2 of positive"),
        ((["a"], ["b"], []), ValueError, "0 of negatives"),
        ((["a"], ["b"], [[]], []), ValueError, "1 of negatives, 0 of groups"),
        ((["a"], ["b"], ["c"], [None]), ValueError, r"groups\[0\] is None"),
        ((["a"], ["b"], ["c"], [np.nan]), ValueError, r"groups\[0\] is nan"),
        ((["a"], ["b"], ["c"], [[1]]), TypeError, r"hashable.*groups\[0\]=\[1"),
        ((["a"], ["b"], "c"), TypeError, "`negatives` must be .*Received: 'c'"),
        ((["a"], ["b"], None), TypeError, "`negatives` must be .*None"),
        ((["a"], ["b"], [None]), TypeError, r"negatives\[0\] must .*None"),
        ((["a"], ["b"], [["c", 1]]), TypeError, r"negatives\[0\]\[1\].* 1 of"),
        (([" "], ["b"], [[]]), ValueError, r"anchor\[0\] is blank: ' '"),
        ((["a"], [""], [[]]), ValueError, r"positive\[0\] is blank"),
        ((["a"], ["b"], [["c", ""]]), ValueError, r"negatives\[0\]\[1\] is bl"),
        (("a", ["b"], [[]]), TypeError, "`anchor` must be a list.*'a'"),
    ],
)
def test_bad_triplets_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Triplets(*arguments)


def test_pairs_of_label_0_are_negatives_of_their_first_text():
    pairs = Pairs(
        ["q", "q", "r", " q", "r", "q", "q"],
        ["a", "b", "c", "d", "e", "b ", "f"],
        [1, 0, 0, 0, 1, 0, 1],
    )
    triplets = Triplets.from_pairs(pairs)
    assert triplets.anchor == ["q", "r", "q"]
    assert triplets.positive == ["a", "e", "f"]
    # Of texts that differ in white space alone the first stays.
    assert triplets.negatives == [["b", "d"], ["c"], ["b", "d"]]
    assert triplets.groups is None


def test_pairs_without_labels_all_match():
    triplets = Triplets.from_pairs(Pairs(["a", "b"], ["c", "d"]))
    assert triplets.positive == ["c", "d"]
    assert triplets.negatives == [[], []]


def test_negatives_of_no_positive_are_counted_in_a_warning():
    pairs = Pairs(["q", "r", "s", "s"], list("abcd"), [1, 0, 0, 0])
    with pytest.warns(UserWarning, match="3 of 4 pairs .* no positive") as seen:
        triplets = Triplets.from_pairs(pairs)
    assert len(seen) == 1 and seen[0].filename == __file__
    assert triplets.negatives == [[]]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ([0.0, 0.5], r"label\[1\]=0.5, and 1 such.*Pairs\(.*>= 0.8"),
        ([3, 2], r"label\[0\]=3, and 2 such"),
        ([0, -1], r"label\[1\]=-1"),
        ([0, 0], "None of the 2 pairs has label 1"),
    ],
)
def test_labels_that_tell_no_positives_are_refused(label, message):
    with pytest.raises(ValueError, match=message):
        Triplets.from_pairs(Pairs(["a", "b"], ["c", "d"], label))


def test_no_pairs_are_no_triplets():
    assert len(Triplets.from_pairs(Pairs([], [], []))) == 0


def test_a_text_is_its_own_positive():
    triplets = Triplets.from_texts(("a", "b"))
    assert triplets.anchor == triplets.positive == ["a", "b"]
    assert triplets.negatives == [[], []]
    with pytest.raises(TypeError, match="`texts` must be a list"):
        Triplets.from_texts("ab")
    with pytest.raises(ValueError, match=r"texts\[1\] is blank"):
        Triplets.from_texts(["a", ""])
