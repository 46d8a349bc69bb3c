"""Further pairs are near ones, new ones, and each stands once."""

import itertools
import re

import numpy as np
import pytest

from semmatch.data import BM25
from semmatch.data import load_faq
from semmatch.data import Pairs
from semmatch.data import recombine_pairs
from semmatch.data import swap_pairs
from tests.models.bi_models import bi_model


class Positions:
    """A bi-encoder that reads numbers; similar is what lies near."""

    def __init__(self):
        self.calls = []

    def encode(self, texts, *, side):
        self.calls.append((side, list(texts)))
        found = [re.search(r"-?[\d.]+", text).group() for text in texts]
        return np.array(found, "float32")[:, None]

    def similarity(self, a, b):
        return -np.abs(a - b.T)


def unordered(pairs):
    """The pairs as sets of stripped texts, in a list."""
    return [
        frozenset([a.strip(), b.strip()])
        for a, b in zip(pairs.text_a, pairs.text_b, strict=True)
    ]


def sets(*pairs):
    return {frozenset(pair.split()) for pair in pairs}


def test_swapped_pairs_follow_those_given_with_their_labels():
    both = swap_pairs(Pairs(["a", "b"], ["c", "d"], [1, 0]))
    assert both.text_a == ["a", "b", "c", "d"]
    assert both.text_b == ["c", "d", "a", "b"]
    assert both.label.tolist() == [1, 0, 1, 0]
    assert both.label.dtype == "int64"


def test_grades_stay_grades_and_without_labels_there_are_none():
    graded = Pairs(["a"], ["b"], [0.25], skipped=("a.tsv: line 3",))
    both = swap_pairs(graded)
    assert both.label.tolist() == [0.25, 0.25]
    assert both.skipped == ("a.tsv: line 3",)
    assert swap_pairs(Pairs(["a"], ["b"])).label is None


def test_what_stands_in_both_orders_is_not_added():
    # Swapped (b, a) stands there, and so does that of two equal texts.
    pairs = Pairs(["a", " b", "e", "f"], ["b", "a\n", "e ", "g"], [1, 1, 1, 0])
    both = swap_pairs(pairs)
    assert both.text_a == [*pairs.text_a, "g"]
    assert both.text_b == [*pairs.text_b, "f"]
    assert both.label.tolist() == [1, 1, 1, 0, 0]


def test_labels_that_contradict_do_so_in_both_orders():
    both = swap_pairs(Pairs(["a", "a"], ["b", "b"], [0, 1]))
    assert both.text_a == ["a", "a", "b", "b"]
    assert both.label.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("label", [None, []])
def test_no_pairs_have_no_swapped_ones(label):
    assert len(swap_pairs(Pairs([], [], label))) == 0


def test_each_sentence_is_joined_to_its_neighbours():
    # 0 1 3 7 15: each one's nearest is the one before, of 0 the next.
    pairs = Pairs(["0", "1", "3"], ["15", "7", "3"], [1, 0, 1])
    found = recombine_pairs(pairs, Positions(), ranks=(0, 1))
    assert set(unordered(found)) == sets("0 1", "1 3", "3 7", "7 15")
    assert len(found) == 4
    assert found.label is None


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        # The second and the third nearest of 0 1 3 7 15.
        ((1, 2), ["0 3", "1 3", "0 3", "1 7", "3 15"]),
        ((2, 3), ["0 7", "1 7", "3 7", "0 7", "1 15"]),
        ((3, 9), ["0 15", "1 15", "3 15", "7 15"]),
    ],
)
def test_ranks_do_not_count_the_sentence_itself(ranks, expected):
    # Pairs of texts with themselves, so that nothing is left out.
    texts = ["0", "1", "3", "7", "15"]
    found = recombine_pairs(Pairs(texts, texts), Positions(), ranks=ranks)
    assert sorted(unordered(found), key=sorted) == sorted(
        sets(*expected), key=sorted
    )


def test_known_pairs_are_left_out_in_either_order():
    pairs = Pairs(["0", "3 ", "7"], [" 1", "1", "3"], [0, 1, 1])
    found = recombine_pairs(pairs, Positions())
    assert set(unordered(found)) == sets("0 3", "0 7", "1 7")
    # What is left out counts among the ranks all the same.
    nearest = recombine_pairs(pairs, Positions(), ranks=(0, 2))
    assert set(unordered(nearest)) == sets("0 3", "1 7")


def test_sentences_are_distinct_and_encoded_once():
    encoder = Positions()
    pairs = Pairs(["0 ", "0"], ["4", " 9"])
    found = recombine_pairs(pairs, encoder)
    assert encoder.calls == [("query", ["0 ", "4", " 9"])]
    assert unordered(found) == [frozenset("49")]
    assert {*found.text_a, *found.text_b} == {"4", " 9"}


def grid(size=12):
    """Sentences 0, 1, ..., of which no pair stands there."""
    texts = list(map(str, range(size)))
    return Pairs(texts, texts)


def test_pairs_are_drawn_of_all_without_replacement():
    every = unordered(recombine_pairs(grid(), Positions()))
    assert len(every) == len(set(every)) == 12 * 11 // 2
    drawn = [
        unordered(recombine_pairs(grid(), Positions(), num_pairs=30, seed=seed))
        for seed in range(2)
    ]
    for one in drawn:
        assert len(one) == len(set(one)) == 30
        assert set(one) < set(every)
    assert set(drawn[0]) != set(drawn[1])
    asked = recombine_pairs(grid(), Positions(), num_pairs=66)
    assert set(unordered(asked)) == set(every)


def test_every_pair_is_as_likely():
    times = dict.fromkeys(itertools.combinations("0123", 2), 0)
    for seed in range(300):
        drawn = recombine_pairs(grid(4), Positions(), num_pairs=2, seed=seed)
        for pair in unordered(drawn):
            times[tuple(sorted(pair))] += 1
    # 2 of 6 are drawn: 100 times of 300 on average, of deviation 8.
    assert all(60 < count < 140 for count in times.values())


def test_the_seed_fixes_the_pairs_and_their_order():
    def drawn(seed, num_pairs):
        found = recombine_pairs(
            grid(), Positions(), num_pairs=num_pairs, seed=seed
        )
        return list(zip(found.text_a, found.text_b, strict=True))

    for num_pairs in (None, 20):
        assert drawn(3, num_pairs) == drawn(3, num_pairs)
        assert drawn(3, num_pairs) != drawn(4, num_pairs)


def test_either_text_of_a_pair_comes_first():
    found = recombine_pairs(grid(30), Positions(), ranks=(0, 29))
    lower_first = [
        int(a) < int(b) for a, b in zip(found.text_a, found.text_b, strict=True)
    ]
    # Of 435 fair coins, within five deviations.
    assert abs(np.mean(lower_first) - 0.5) < 5 * 0.5 / np.sqrt(435)


def test_fewer_than_asked_for_are_given_and_counted():
    with pytest.warns(UserWarning) as seen:
        found = recombine_pairs(
            grid(4), Positions(), num_pairs=1000, ranks=(0, 1)
        )
    # Of equal ones the first in the list: 0 1, 1 0, 2 1, 3 2.
    assert len(found) == 3
    assert str(seen[0].message) == (
        "3 new pairs of 4 sentences lie within the ranks (0, 1), fewer than "
        "1,000. Raise the last of `ranks` for more."
    )
    assert seen[0].filename == __file__


@pytest.mark.parametrize("texts", [("0", "0 "), ("0", "1")])
@pytest.mark.parametrize("encoder", [None, Positions()])
def test_no_new_pair_is_told(texts, encoder):
    pairs = Pairs([texts[0]], [texts[1]])
    with pytest.warns(UserWarning, match="^0 new pairs of . sentence.*20.*R"):
        found = recombine_pairs(pairs, encoder)
    assert len(found) == 0
    assert found.label is None


def test_without_an_encoder_bm25_searches():
    pairs = load_faq("zh").pairs("valid")[:120]
    texts = list(dict.fromkeys([*pairs.text_a, *pairs.text_b]))
    scores = BM25(texts).scores(texts)
    expected = set()
    for row, own in enumerate(scores):
        own[row] = -1
        order = np.argsort(-own, kind="stable")[2:6]
        expected |= {
            frozenset([texts[row], texts[place]])
            for place in order
            if own[place] > 0
        }
    found = recombine_pairs(pairs, ranks=(2, 6))
    assert set(unordered(found)) == expected - set(unordered(pairs))
    assert len(found) == len(set(unordered(found))) > 100


def test_sentences_that_share_no_term_are_no_neighbours_of_bm25():
    found = recombine_pairs(Pairs(["怎么还", "取消"], ["hello", "怎么办"]))
    assert unordered(found) == [frozenset(["怎么还", "怎么办"])]


@pytest.mark.parametrize("encoder", [None, Positions()])
def test_few_scores_at_once_change_nothing(monkeypatch, encoder):
    texts = [f"{number} {number % 7}" for number in range(0, 60, 3)]
    pairs = Pairs(texts[:10], texts[10:])
    expected = recombine_pairs(pairs, encoder, ranks=(1, 4))
    monkeypatch.setattr("semmatch.data.negatives._SCORES", 12)
    monkeypatch.setattr("semmatch.data.negatives._QUERIES", 4)
    found = recombine_pairs(pairs, encoder, ranks=(1, 4))
    assert found.text_a == expected.text_a
    assert found.text_b == expected.text_b


def test_a_bi_encoder_of_keras_finds_neighbours():
    model = bi_model()
    texts = ["怎么取消借款", "如何还款", "取消", "Hello world"]
    vectors = model.encode(texts, side="query")
    near = model.similarity(vectors, vectors)
    np.fill_diagonal(near, -np.inf)
    found = recombine_pairs(Pairs(texts, texts), model, ranks=(0, 1))
    assert set(unordered(found)) == {
        frozenset([text, texts[place]])
        for text, place in zip(texts, near.argmax(axis=1), strict=True)
    }


PAIRS = Pairs(["0", "1"], ["2", "3"])


@pytest.mark.parametrize(
    ("pairs", "options", "message"),
    [
        (Pairs([], []), {}, "`pairs` is empty"),
        (Pairs(["0"], [" "]), {}, r"pairs.text_b\[0\] is blank"),
        (PAIRS, {"num_pairs": 0}, "`num_pairs` must be an integer of at"),
        (PAIRS, {"num_pairs": 2.0}, "Received: num_pairs=2.0"),
        (PAIRS, {"ranks": (3, 3)}, r"`ranks` must be.*ranks=\(3, 3\)"),
        (PAIRS, {"ranks": (-1, 7)}, r"ranks=\(-1, 7\)"),
        (PAIRS, {"ranks": (0, 7.0)}, r"ranks=\(0, 7.0\)"),
        (PAIRS, {"ranks": (0, 5, 9)}, r"ranks=\(0, 5, 9\)"),
    ],
)
def test_what_does_not_fit_is_refused(pairs, options, message):
    with pytest.raises(ValueError, match=message):
        recombine_pairs(pairs, Positions(), **options)
