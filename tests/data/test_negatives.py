"""Mined negatives are near, and none of them is a known match."""

import re
import warnings

import numpy as np
import pytest

from semmatch.data import BM25
from semmatch.data import load_faq
from semmatch.data import mine_hard_negatives
from semmatch.data import Pairs
from semmatch.data import Triplets
from semmatch.data.nearest import nearest_passages
from semmatch.data.text_groups import text_groups
from tests.models.bi_models import bi_model


class Positions:
    """A bi-encoder that reads numbers, and a cross-encoder too.

    The similarity of two texts is 10 less their distance; the sides differ
    by what is written before a text.
    """

    def __init__(self, query="q", shift=10.0):
        self.query = query
        self.shift = shift
        self.calls = []

    def encode(self, texts, *, side):
        self.calls.append((side, list(texts)))
        return np.array([[_number(text)] for text in texts], "float32")

    def similarity(self, a, b):
        return self.shift - np.abs(a - b.T)

    def score(self, pairs):
        self.calls.append(list(pairs))
        return np.array(
            [self.shift - abs(_number(a) - _number(b)) for a, b in pairs],
            "float32",
        )


def _number(text):
    return float(re.search(r"-?[\d.]+", text).group())


def line(positive=8):
    """An anchor at 0 with a positive, and other passages at 1 to 9."""
    texts = [f"{place}" for place in range(1, 10) if place != positive]
    return Pairs(["0"] + ["100"] * 8, [f"{positive}", *texts], [1] + [0] * 8)


def test_the_nearest_come_first_and_the_positive_not_at_all():
    mined = mine_hard_negatives(
        Positions(), line(), margin=None, num_negatives=3
    )
    assert mined.anchor == ["0"] and mined.positive == ["8"]
    assert mined.negatives == [["1", "2", "3"]]
    assert mined.groups is None


@pytest.mark.parametrize("margin", [0, 0.05, 0.4, 0.7])
def test_negatives_are_below_the_positive_by_the_margin(margin):
    # p is 10 - 3 = 7; a passage at n scores 10 - n.
    mined = mine_hard_negatives(
        Positions(), line(3), margin=margin, num_negatives=9
    )
    expected = [
        n for n in range(1, 10) if n != 3 and 10 - n <= 7 * (1 - margin)
    ]
    assert list(map(float, mined.negatives[0])) == expected


def test_a_margin_of_scores_below_0_lies_below_the_positive():
    # Distances, as of similarity="euclidean": p = -4, at most -4 - 0.5 * 4.
    mined = mine_hard_negatives(Positions(shift=0), line(4), margin=0.5)
    assert mined.negatives == [["6", "7", "8", "9"]]


def test_of_several_positives_the_lowest_score_counts():
    pairs = Pairs(["0", "0", "50"], ["1", "4", "50.5"], [1, 1, 1])
    corpus = ["2", "3", "5", "6"]
    mined = mine_hard_negatives(Positions(), pairs, margin=0, corpus=corpus)
    assert mined.positive == ["1", "4", "50.5"]
    # All texts that are no positives of 0 lie behind 4.
    assert mined.negatives[:2] == [["5", "6", "50.5"]] * 2


def test_known_matches_are_left_out_over_any_number_of_pairs():
    pairs = Pairs(
        # 0-1, 1-2 (so that 2 matches 0), 3-0 (the other order), 4 is apart.
        ["0", "1 ", "3", "4"],
        ["1", "2", " 0", "4.5"],
    )
    mined = mine_hard_negatives(
        Positions(), pairs, margin=None, corpus=["0", "3", "5", "4"]
    )
    assert mined.negatives == [
        ["4", "4.5", "5"],
        ["4", "4.5", "5"],
        ["4", "4.5", "5"],
        ["3", "5", "2", "1", " 0"],
    ]


def test_groups_are_those_of_the_dataset():
    faq = load_faq("zh")
    pairs = faq.pairs("train")
    mined = mine_hard_negatives(None, pairs, margin=None, num_negatives=20)
    groups = text_groups(Triplets.from_pairs(pairs[pairs.label == 1]))
    for anchor, negatives in zip(mined.anchor, mined.negatives, strict=True):
        assert len(set(negatives)) == len(negatives) == 20
        assert all(groups[text] != groups[anchor] for text in negatives)


def test_what_is_labelled_apart_needs_no_guard():
    pairs = Pairs(["0", "0", "0", "9"], ["5", "1 ", "9", "2"], [1, 0, 0, 0])
    mined = mine_hard_negatives(Positions(), pairs)
    # 1 and 9 are labelled; of the others 2 scores above 5.
    assert mined.negatives == [["1 ", "9"]]


def test_a_match_that_is_labelled_apart_elsewhere_is_left_out():
    pairs = Pairs(["0", "1", "0", "0"], ["1", "2", "2", "7"], [1, 1, 0, 0])
    mined = mine_hard_negatives(Positions(), pairs)
    assert mined.negatives[0] == ["7"]


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [((0, 3), "123"), ((2, 4), "34"), ((6, 20), "79"), ((6, 8), "79")],
)
def test_ranks_count_what_is_not_known_to_match(ranks, expected):
    mined = mine_hard_negatives(
        Positions(), line(), margin=None, ranks=ranks, num_negatives=2
    )
    assert mined.negatives == [list(expected)[:2]]


def test_the_guard_may_leave_fewer_than_asked_for_within_the_ranks():
    with pytest.warns(UserWarning) as seen:
        mined = mine_hard_negatives(
            Positions(), line(), ranks=(0, 7), num_negatives=2
        )
    assert mined.negatives == [[]]
    # Positives: 10 - 8. Candidates: 10 - 1 to 10 - 7.
    assert str(seen[0].message) == (
        "1 of 1 rows have no negative: what was found for them scores too "
        "close to the positive for a margin of 0.05. Positives score 2.000 on "
        "average, candidates 6.000. Lower `margin`, raise the last of "
        "`ranks`, or guard by a `cross_encoder`."
    )
    assert seen[0].filename == __file__


def test_rows_without_a_negative_are_kept_and_counted():
    pairs = Pairs(["0", "0.1", "30"], ["9", "1", "31"])
    with pytest.warns(UserWarning, match="^1 of 3 rows have no negative"):
        mined = mine_hard_negatives(
            Positions(), pairs, ranks=(0, 1), num_negatives=1
        )
    assert mined.negatives == [[], ["9"], ["9"]]


@pytest.mark.parametrize("corpus", [None, ["8", "9"]])
@pytest.mark.parametrize("guard", [None, Positions()])
def test_without_other_passages_there_are_no_negatives(corpus, guard):
    pairs = Pairs(["0", "1"], ["1", "2"])
    ranks = (0, 100) if corpus is None else (2, 100)
    message = rf"2 of 2 rows .*: .* no other passages .*\({ranks[0]}, 100\)"
    with pytest.warns(UserWarning, match=message):
        mined = mine_hard_negatives(
            Positions(), pairs, guard, corpus=corpus, ranks=ranks
        )
    assert mined.negatives == [[], []]


def test_a_cross_encoder_guards_in_one_call_and_the_search_orders():
    # To the cross-encoder, 7 of "7 2" is the number that counts.
    class Second(Positions):
        def score(self, pairs):
            self.calls.append(list(pairs))
            found = [b.split() for _, b in pairs]
            return np.array([float(b[-1]) for b in found], "float32") / 10

    pairs = Pairs(["0", "50"], ["3 5", "51 9"])
    corpus = ["1 9", "2 4", "4 4.8", "5 1"]
    judge = Second()
    mined = mine_hard_negatives(Positions(), pairs, judge, corpus=corpus)
    assert mined.negatives == [
        ["2 4", "5 1"],  # 4.8 is above 0.95 * 5
        ["5 1", "4 4.8", "3 5", "2 4"],  # 9 is not
    ]
    (scored,) = judge.calls
    assert len(scored) == len(set(scored)) == 5 + 5 + 2
    assert set(scored) >= {("0", "3 5"), ("50", "51 9"), ("0", "51 9")}


def test_sides_are_encoded_once_and_without_repeats():
    encoder = Positions()
    pairs = Pairs(["0", "0 ", "7"], ["5", "6", "6"], [1, 1, 0])
    mine_hard_negatives(encoder, pairs, corpus=["9", "5"], margin=None)
    assert encoder.calls == [("query", ["0"]), ("passage", ["5", "6", "9"])]


@pytest.mark.parametrize("steps", [(1, 1), (3, 4), (7, 100), (100, 5)])
@pytest.mark.parametrize("k", [1, 6, 23])
def test_a_search_in_parts_is_that_of_the_whole(steps, k):
    random = np.random.default_rng(0)
    matrix = random.integers(0, 9, (11, 23)).astype("float32")
    groups = random.integers(0, 5, 11), random.integers(-1, 5, 23)
    pairs = random.integers(0, (11, 23), (30, 2))
    shapes = []

    def score(part, block):
        shapes.append(matrix[part, block].shape)
        return matrix[part, block]

    found = nearest_passages(score, steps, groups, pairs, k)
    assert max(shapes) <= steps
    masked = np.where(groups[0][:, None] == groups[1], -np.inf, matrix)
    order = np.argsort(-masked, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(found.passages, order)
    np.testing.assert_array_equal(
        found.scores, np.take_along_axis(masked, order, axis=1)
    )
    np.testing.assert_array_equal(found.known, matrix[tuple(pairs.T)])


@pytest.mark.parametrize("bi_encoder", [None, Positions()])
def test_few_scores_at_once_change_nothing(monkeypatch, bi_encoder):
    texts = [f"{number} {number % 7}" for number in range(0, 60, 3)]
    pairs = Pairs(texts[:10], texts[10:])
    expected = mine_hard_negatives(bi_encoder, pairs, margin=None)
    monkeypatch.setattr("semmatch.data.negatives._SCORES", 12)
    monkeypatch.setattr("semmatch.data.negatives._QUERIES", 4)
    mined = mine_hard_negatives(bi_encoder, pairs, margin=None)
    assert mined.negatives == expected.negatives


@pytest.mark.parametrize("margin", [None, 0.05])
def test_what_shares_no_term_is_no_hard_negative(margin):
    pairs = Pairs(["reset my password"], ["I forgot how to log in"], [1])
    corpus = ["delete a profile", "the password page is slow", "larger sums"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mined = mine_hard_negatives(
            None, pairs, num_negatives=3, margin=margin, corpus=corpus
        )
    near = [] if margin else ["the password page is slow"]
    assert mined.negatives == [near]


def test_without_an_encoder_bm25_searches():
    faq = load_faq("en")
    pairs = faq.pairs("valid")
    pairs = pairs[pairs.label == 1]
    intents = {phrasing.text: phrasing.intent for phrasing in faq.phrasings}
    passages = list(dict.fromkeys(pairs.text_b))
    mined = mine_hard_negatives(None, pairs, margin=None, num_negatives=4)
    scores = BM25(passages).scores(mined.anchor)
    for anchor, own, negatives in zip(
        mined.anchor, scores, mined.negatives, strict=True
    ):
        order = np.argsort(-own, kind="stable")
        others = [
            passages[place]
            for place in order
            if intents[passages[place]] != intents[anchor]
        ]
        assert negatives == others[:4]


def test_a_bi_encoder_of_keras_mines():
    model = bi_model()
    pairs = Pairs(["怎么取消借款", "如何还款"], ["取消", "还款"])
    mined = mine_hard_negatives(
        model, pairs, corpus=["借款", "Hello world"], margin=None
    )
    passages = ["取消", "还款", "借款", "Hello world"]
    similarity = model.similarity(
        model.encode(pairs.text_a, side="query"), model.encode(passages)
    )
    for row, negatives in enumerate(mined.negatives):
        order = np.argsort(-similarity[row], kind="stable")
        assert negatives == [passages[p] for p in order if p != row]


class Broken(Positions):
    def encode(self, texts, *, side):
        return np.full((len(texts), 1), np.nan, "float32")


class Classes(Positions):
    def score(self, pairs):
        return np.zeros((len(list(pairs)), 3), "float32")


PAIRS = Pairs(["0", "1"], ["2", "3"])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((Pairs([], []),), {}, ValueError, "`pairs` is empty"),
        ((Pairs(["0"], ["1"], [0]),), {}, ValueError, "None of the 1 pairs"),
        ((Pairs(["0"], ["1"], [0.5]),), {}, ValueError, "labels of 0 and 1"),
        ((Pairs(["0"], [" "]),), {}, ValueError, r"is blank: ' '"),
        (
            (Pairs(["0", "1"], ["1", ""], [1, 0]),),
            {},
            ValueError,
            r"pairs.text_b\[1\] is blank",
        ),
        ((PAIRS,), {"corpus": ["a", ""]}, ValueError, r"corpus\[1\] is blank"),
        ((PAIRS,), {"corpus": "ab"}, TypeError, "`corpus` must be a list"),
        ((PAIRS,), {"num_negatives": 0}, ValueError, "`num_negatives` must"),
        ((PAIRS,), {"ranks": (3, 7)}, ValueError, r"ranks=\(3, 7\) and.*=5"),
        ((PAIRS,), {"ranks": (-1, 7)}, ValueError, r"ranks=\(-1, 7\)"),
        ((PAIRS,), {"ranks": (0, 7.0)}, ValueError, r"ranks=\(0, 7.0\)"),
        ((PAIRS,), {"ranks": (0, 5, 9)}, ValueError, r"ranks=\(0, 5, 9\)"),
        ((PAIRS,), {"margin": 1}, ValueError, "`margin` must be.*margin=1"),
        ((PAIRS,), {"margin": -0.1}, ValueError, "`margin` must be"),
        ((PAIRS, Positions()), {"margin": None}, ValueError, "is no guard"),
        ((PAIRS, Classes()), {}, ValueError, r"shape \(4, 3\) for 4 pairs"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        mine_hard_negatives(Positions(), *arguments, **options)


def test_vectors_of_a_failed_training_are_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        mine_hard_negatives(Broken(), PAIRS)
