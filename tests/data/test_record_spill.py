"""Pairs that went to disk and came back."""

import numpy as np
import pytest

from semmatch.data import PairStream
from semmatch.data.record_spill import spill_pairs
from semmatch.data.record_spill import SpilledPairs

TEXTS = ["甲", "a\nb\t", "\U0001f642" * 3, "\x00", "é"]


@pytest.mark.parametrize("num_files", [1, 2, 5, 9])
def test_pairs_are_parted_in_turn(tmp_path, num_files):
    rows = [(text, text * 2, place) for place, text in enumerate(TEXTS)]
    spill = spill_pairs(PairStream.of(rows), tmp_path, num_files)
    assert spill.num_pairs == 5
    assert len(spill.files) == min(num_files, 5)
    for number, file in enumerate(spill.files):
        pairs = SpilledPairs(file)
        own = rows[number::num_files]
        assert len(pairs) == len(own)
        backwards = np.arange(len(own))[::-1]
        a, b, labels = pairs.columns(backwards)
        assert [text.decode() for text in a] == [row[0] for row in own[::-1]]
        assert [text.decode() for text in b] == [row[1] for row in own[::-1]]
        assert labels == [row[2] for row in own[::-1]]


@pytest.mark.parametrize("period", [2, 4, 8, 16])
def test_what_comes_back_every_few_pairs_is_spread(tmp_path, period):
    rows = [("a", "b", int(n % period == 0)) for n in range(1600)]
    spill = spill_pairs(PairStream.of(rows), tmp_path, 8, seed=0)
    for file in spill.files:
        pairs = SpilledPairs(file)
        assert len(pairs) == 200
        *_, labels = pairs.columns(np.arange(200))
        assert abs(np.mean(labels) - 1 / period) < 0.1


def test_files_of_few_pairs_are_none_of_them_empty(tmp_path):
    rows = [(text, text) for text in TEXTS]
    spill = spill_pairs(PairStream.of(rows), tmp_path, 9, seed=0)
    texts = [SpilledPairs(file).columns([0])[0] for file in spill.files]
    assert sorted(text.decode() for [text] in texts) == sorted(TEXTS)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([-1, 4, 2], {"dtype": "int64", "minimum": -1, "maximum": 4}),
        ([0.5, 4, 2], {"dtype": "float32", "minimum": 0.5, "maximum": 4.0}),
        ([2, 4, 0.5], {"dtype": "float32", "minimum": 0.5, "maximum": 4.0}),
    ],
)
def test_labels_are_summed_up(tmp_path, labels, expected):
    rows = [("a", "b", label) for label in labels]
    spill = spill_pairs(PairStream.of(rows), tmp_path, 2)
    assert spill.label == expected
    assert type(spill.label["minimum"]) is type(expected["minimum"])


def test_no_labels_have_no_summary(tmp_path):
    assert spill_pairs(PairStream.of([("a", "b")]), tmp_path, 2).label is None
