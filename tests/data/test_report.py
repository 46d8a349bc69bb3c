"""The report of pairs against counts made by hand."""

import json

import numpy as np
import pytest

from semmatch import Tokenizer
from semmatch.data import Pairs
from semmatch.data import read_pairs
from semmatch.data.lengths import Lengths
from semmatch.tokenizers import Packer

# Rows 1, 2 and 4 repeat row 0: row 1 but for white space, row 2 with another
# label, row 4 the other way round. Row 5 repeats row 3 the other way round,
# with another label.
REPEATED = Pairs(
    ["ab", " ab", "ab", "ef", "cd", "gh", "ij"],
    ["cd", "cd\t", "cd", "gh", "ab", "ef", "ij"],
    [1, 1, 0, 0, 1, 1, 1],
)


def texts_of(lengths):
    return ["x" * length for length in lengths]


def packer(sequence_length, texts="a"):
    """Of a tokenizer that knows these letters alone."""
    return Packer(Tokenizer.train(list(texts)), sequence_length)


def test_classes_are_counted():
    report = Pairs(["a"] * 4, ["b"] * 4, [2, 0, 2, 2]).report()
    assert report.num_pairs == 4
    assert report.class_counts == {"0": 1, "2": 3}
    assert report.label_range is None
    assert str(report).startswith(
        "label  pairs   share\n"
        "0          1   25.0%\n"
        "2          3   75.0%\n"
        "all        4  100.0%\n\n"
    )


def test_graded_labels_have_a_range():
    report = Pairs(["a"] * 3, ["b"] * 3, [0.5, 0.25, 4.5]).report()
    assert report.class_counts is None
    assert report.label_range.minimum == 0.25
    assert report.label_range.mean == 1.75  # 5.25 / 3
    assert report.label_range.maximum == 4.5
    text = "3 pairs, labels from 0.25 to 4.5 with a mean of 1.75\n\n"
    assert str(report).startswith(text)


def test_pairs_without_labels_are_said_to_have_none():
    report = Pairs(["a"], ["b"]).report()
    assert report.class_counts is report.label_range is report.overlap is None
    assert str(report).startswith("1 pairs without labels\n\n")


def test_a_percentile_is_the_smallest_length_that_holds_the_share():
    lengths = np.random.default_rng(0).permutation(np.arange(1, 201))
    assert Lengths.of(lengths) == Lengths(100, 180, 190, 198, 200)
    # 95 % of 21 is 19.95: twenty of them.
    assert Lengths.of(range(1, 22)).p95 == 20
    assert Lengths.of([7]) == Lengths(7, 7, 7, 7, 7)


def test_characters_are_those_of_each_text_and_of_both():
    pairs = Pairs(texts_of([1, 2, 30]), texts_of([10, 8, 1]))
    characters = pairs.report().characters
    assert characters["text_a"] == Lengths(2, 30, 30, 30, 30)
    assert characters["text_b"] == Lengths(8, 10, 10, 10, 10)
    assert characters["both"] == Lengths(11, 31, 31, 31, 31)


def test_tokens_are_those_of_the_uncut_pair_with_special_ones():
    words = ["a " * n for n in (1, 2, 9)]
    report = Pairs(words, ["a"] * 3).report(preprocessor=packer(6))
    # [CLS] a [SEP] b [SEP]: three more than the words.
    assert report.tokens.lengths == Lengths(6, 13, 13, 13, 13)
    assert report.tokens.sequence_length == 6
    assert report.tokens.num_cut == 1
    assert report.tokens.suggested_length == 16
    assert report.tokens.unknown_share == 0
    assert (
        "sequence_length=6 cuts 1 pairs, 16 holds 99% of all; 0.00% unknown "
        "tokens" in str(report)
    )


def test_the_suggestion_holds_all_but_one_pair_of_a_hundred():
    words = ["a " * n for n in [4] * 99 + [40]]
    pairs = Pairs(words, ["a"] * 100)
    # 4 + 1 + 3 = 8 tokens, a multiple of 8 itself.
    assert pairs.report(preprocessor=packer(64)).tokens.suggested_length == 8


def test_unknown_tokens_are_a_share_of_those_of_the_texts():
    pairs = Pairs(["a 還", "a"], ["還", "a"])
    report = pairs.report(preprocessor=packer(64))
    assert report.tokens.unknown_share == pytest.approx(2 / 5)
    assert "40.0% of the tokens are unknown" in report.notes[-1]


def test_texts_of_white_space_have_no_tokens():
    report = Pairs([" "], ["  "]).report(preprocessor=packer(64))
    assert report.tokens.unknown_share == 0
    assert report.tokens.lengths.maximum == 3


def test_the_length_counts_texts_of_many_chunks(monkeypatch):
    monkeypatch.setattr("semmatch.data.lengths._CHUNK", 2)
    words = ["a " * n for n in range(1, 6)]
    report = Pairs(words, words).report(preprocessor=packer(64))
    assert report.tokens.lengths == Lengths(9, 13, 13, 13, 13)


def test_repeats_are_counted_in_order_and_in_any():
    repeats = REPEATED.report().repeats
    assert repeats["in_order"].duplicates == 2  # rows 1, 2
    assert repeats["any_order"].duplicates == 4  # rows 1, 2, 4, 5
    assert repeats["in_order"].contradictions == 1  # ab cd
    assert repeats["any_order"].contradictions == 2  # ef gh too


def test_a_contradiction_is_counted_once_whatever_its_labels():
    pairs = Pairs(["a"] * 5, ["b"] * 5, [0, 1, 2, 2, 0])
    assert pairs.report().repeats["in_order"].contradictions == 1
    graded = Pairs(["a"] * 2, ["b"] * 2, [0.5, 0.75])
    assert graded.report().repeats["in_order"].contradictions == 1


def test_without_labels_nothing_contradicts():
    repeats = Pairs(["a", "a"], ["b", "b"]).report().repeats
    assert repeats["in_order"].duplicates == 1
    assert repeats["in_order"].contradictions == 0


def test_shared_pairs_and_texts_are_counted():
    other = Pairs(
        ["ab", " gh ", "xx", "ab", "ab"], ["cd", "ef", "yy", "x", "cd"]
    )
    shared = REPEATED.report(others={"test": other}).shared["test"]
    assert shared.num_pairs == 5
    assert shared.pairs_in_order == 3  # gh ef stands so in row 5
    assert shared.pairs_any_order == 3
    swapped = Pairs(["ij", "cd"], ["ij", "ab "])
    shared = REPEATED[:3].report(others={"a": other, "b": swapped}).shared
    assert list(shared) == ["a", "b"]
    assert (shared["a"].pairs_in_order, shared["a"].pairs_any_order) == (2, 2)
    assert (shared["b"].pairs_in_order, shared["b"].pairs_any_order) == (0, 1)
    assert (shared["a"].texts, shared["a"].num_texts) == (2, 7)
    assert (shared["b"].texts, shared["b"].num_texts) == (2, 3)


def test_the_floor_is_the_best_threshold_on_the_overlap():
    # Overlaps 1, 1/2, 1/2, 0: a cut above 1/2 or below it has one error.
    pairs = Pairs(["ab"] * 4, ["ab", "ac", "bd", "cd"], [1, 1, 0, 0])
    floor = pairs.report().overlap
    assert floor.accuracy == 0.75
    assert floor.threshold == 0.75
    assert floor.auc == (4 - 0.5) / 4  # one of four comparisons is a tie


@pytest.mark.parametrize(
    "label", [None, [1, 1], [0, 0], [0, 2], [0.5, 0.25], [1, 2]]
)
def test_other_labels_have_no_floor(label):
    report = Pairs(["ab", "cd"], ["ab", "e"], label).report()
    assert report.overlap is None
    assert "shared characters" not in str(report)


def balanced(size=8):
    """Matches share all their characters, others none."""
    label = np.resize([1, 0], size)
    texts = [f"{chr(ord('a') + row)}" for row in range(size)]
    partners = [t if one else "#" for t, one in zip(texts, label, strict=True)]
    return Pairs(texts, partners, label)


def test_good_data_has_no_notes():
    other = Pairs(["x"], ["y"], [1])
    report = balanced().report(
        preprocessor=packer(8, "abcdefgh#"), others={"test": other}
    )
    assert report.notes == ()
    assert "!" not in str(report)


def flipped(pairs):
    return Pairs(pairs.text_a, pairs.text_b, 1 - pairs.label)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (lambda: REPEATED.report(), "several labels, in any order: 2."),
        (
            lambda: balanced().report(
                others={"test": Pairs(["x", "#"], ["y", "b"])}
            ),
            "Pairs of test that stand in these pairs too, in any order: 1.",
        ),
        (lambda: Pairs(["a"], ["b"], [1]).report(), "All labels are 1:"),
        (
            lambda: balanced(22)[[0, *range(1, 22, 2)]].report(),
            "Label 0 occurs 11 times, label 1 1 times",
        ),
        (lambda: flipped(balanced()).report(), "the wrong way round"),
        (
            lambda: Pairs(["a"], ["b"], None, ("f, line 3: bad.",)).report(),
            "left out: 1, see `Pairs.skipped`. The first is f, line 3: bad.",
        ),
        (
            lambda: Pairs(["a"], ["b"]).report(
                others={"dev": Pairs(["c"], ["d"], None, ("x", "y"))}
            ),
            "Rows of dev that the reader left out: 2,",
        ),
        (
            lambda: Pairs(["a " * 9] + ["a"] * 15, ["a"] * 16).report(
                preprocessor=packer(8, "a")
            ),
            "sequence_length=8 cuts 6.2% of the pairs: 16 holds 99 %.",
        ),
        (
            lambda: Pairs(["a " * 24], ["a 還"]).report(
                preprocessor=packer(64, "a")
            ),
            "3.8% of the tokens are unknown",  # 1 of 26
        ),
    ],
)
def test_a_note_says_what_to_look_at(report, words):
    report = report()
    found = [note for note in report.notes if words in note]
    assert len(found) == 1
    assert f"\n! {found[0]}" in str(report)


@pytest.mark.parametrize(
    "report",
    [
        # Ten times as many, 1 pair of 20, 1 token of 50: not more.
        lambda: balanced(20)[[0, *range(1, 20, 2)]].report(),
        lambda: Pairs(["a " * 9] + ["a"] * 19, ["a"] * 20).report(
            preprocessor=packer(8, "a")
        ),
        lambda: Pairs(["a " * 48], ["a 還"]).report(
            preprocessor=packer(64, "a")
        ),
    ],
)
def test_a_share_at_its_limit_is_not_noted(report):
    assert report().notes == ()


def test_the_dict_holds_all_as_json():
    report = REPEATED.report(
        preprocessor=packer(64, ["ab", "cd", "ef", "gh", "ij"]),
        others={"test": REPEATED},
    )
    record = json.loads(json.dumps(report.to_dict()))
    assert record == report.to_dict()
    assert record["class_counts"] == {"0": 2, "1": 5}
    assert record["repeats"]["any_order"]["duplicates"] == 4
    assert record["shared"]["test"]["pairs_in_order"] == 7
    assert record["tokens"]["lengths"]["p50"] == report.tokens.lengths.p50
    assert record["characters"]["both"]["maximum"] == 6  # with white space
    assert set(record["overlap"]) == {"accuracy", "threshold", "auc"}
    assert record["notes"] == list(report.notes)
    assert len(record["notes"]) == 2


@pytest.mark.parametrize("others", [REPEATED, [REPEATED], {"test": ["a"]}])
def test_other_splits_have_names(others):
    with pytest.raises(TypeError, match=r"`others` must be a dict.*'test'"):
        REPEATED.report(others=others)


def test_no_pairs_are_refused():
    with pytest.raises(ValueError, match="`pairs` is empty"):
        REPEATED[:0].report()


def test_the_figures_of_qa_corpus(shared):
    # Counted apart from this code, by sorting and comparing lines.
    folder = shared("data/qa_corpus")
    splits = {name: read_pairs(folder / name) for name in ("train", "test")}
    report = splits["train"].report(others={"test": splits["test"]})
    assert report.class_counts == {"0": 50_000, "1": 50_000}
    in_order, any_order = report.repeats.values()
    assert (in_order.duplicates, in_order.contradictions) == (31, 1)
    assert (any_order.duplicates, any_order.contradictions) == (50, 4)
    leak = report.shared["test"]
    assert (leak.pairs_in_order, leak.pairs_any_order) == (1, 4)
    floor = splits["test"].report().overlap
    assert floor.accuracy == pytest.approx(0.677, abs=5e-4)
