"""Words become pieces as in the Rust library's Unigram models."""

import itertools

import pytest
import tensorflow as tf
from tokenizers import models

from semmatch.export.graph_unigram import GraphUnigram

# Scores whose sums differ for each way of cutting a word.
VOCABULARY = [
    ["<pad>", 0.0],
    ["<unk>", 0.0],
    ["▁", -2.03],
    ["a", -3.11],
    ["b", -3.37],
    ["▁a", -3.59],
    ["ab", -4.23],
    ["bab", -5.71],
    ["还款", -4.01],
    ["还", -6.53],
]
BYTES = [[f"<0x{value:02X}>", -9.0] for value in range(256)]
WORDS = [
    "▁" + "".join(letters)
    for length in range(5)
    for letters in itertools.product(("a", "b", "还"), repeat=length)
]
WORDS += ["还款", "款", "款款", "▁款", "▁还款款a", "😀", "a😀b"]


@pytest.mark.parametrize("byte_fallback", [False, True])
def test_pieces_are_those_of_the_rust_library(byte_fallback):
    vocabulary = VOCABULARY + BYTES * byte_fallback
    section = {
        "vocab": vocabulary,
        "unk_id": 1,
        "byte_fallback": byte_fallback,
    }
    rust = models.Unigram([tuple(p) for p in vocabulary], 1, byte_fallback)
    expected = [[token.id for token in rust.tokenize(word)] for word in WORDS]
    assert any(1 in row for row in expected) != byte_fallback
    rows = tf.ragged.constant([[word.encode("utf-8")] for word in WORDS])
    assert GraphUnigram(section)(rows).to_list() == expected


def test_texts_keep_their_words_apart():
    words = tf.ragged.constant([["▁a", "▁"], [], ["b", "x", "x"]])
    found = GraphUnigram({"vocab": VOCABULARY, "unk_id": 1})(words)
    # What is unknown is joined inside a word alone.
    assert found.to_list() == [[5, 2], [], [4, 1, 1]]


def test_a_model_without_an_unknown_piece_is_refused():
    message = "^A Unigram model without an unknown piece has no exact"
    with pytest.raises(ValueError, match=message):
        GraphUnigram({"vocab": VOCABULARY, "unk_id": None})


def test_what_sentencepiece_does_not_take_is_said():
    vocabulary = [*VOCABULARY, ["ab", -1.0]]
    message = r"sentencepiece does not take \(.*ab is already defined"
    with pytest.raises(ValueError, match=message):
        GraphUnigram({"vocab": vocabulary, "unk_id": 1})
