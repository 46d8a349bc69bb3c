"""Words become pieces as in the Rust library's WordPiece."""

import itertools

import pytest
import tensorflow as tf
from tokenizers import models

from semmatch.export.graph_wordpiece import GraphWordPiece

PIECES = ["[UNK]", "pay", "##ing", "##i", "##n", "p", "##a", "还", "##款", "é"]
WORDS = ["pay", "paying", "pain", "payx", "ing", "还款", "款", "éa", "[UNK]"]
WORDS += ["p" + "a" * 9, "p" + "a" * 10, "还" * 10, "还" + "款" * 10, "##i"]


def cut(vocabulary, words, prefix="##", limit=10):
    section = {
        "vocab": vocabulary,
        "unk_token": "[UNK]",
        "continuing_subword_prefix": prefix,
        "max_input_chars_per_word": limit,
    }
    graph = GraphWordPiece(section)
    rust = models.WordPiece(
        vocabulary,
        unk_token="[UNK]",
        continuing_subword_prefix=prefix,
        max_input_chars_per_word=limit,
    )
    expected = [[token.id for token in rust.tokenize(word)] for word in words]
    rows = [[word.encode("utf-8")] for word in words]
    return graph(tf.ragged.constant(rows)).to_list(), expected


@pytest.mark.parametrize("limit", [10, 11, 100])
@pytest.mark.parametrize("ids", [range(10), range(20, 0, -2), [5, *range(9)]])
def test_pieces_are_those_of_the_rust_library(limit, ids):
    vocabulary = dict(zip(PIECES, dict.fromkeys(ids), strict=False))
    if len(vocabulary) < len(PIECES):
        vocabulary |= {PIECES[-1]: 50}
    found, expected = cut(vocabulary, WORDS, limit=limit)
    assert found == expected
    # Both sides of the limit were met.
    is_unknown = [row == [vocabulary["[UNK]"]] for row in found]
    assert True in is_unknown and False in is_unknown


def test_all_short_words_are_cut_alike():
    pieces = ["[UNK]", "a", "ab", "b", "@a", "@ba", "@bab"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    words = [
        "".join(letters)
        for length in range(1, 7)
        for letters in itertools.product("ab", repeat=length)
    ]
    found, expected = cut(vocabulary, words, prefix="@")
    assert found == expected


def test_texts_keep_their_words_apart():
    section = {
        "vocab": {"[UNK]": 0, "a": 1, "##b": 2},
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 9,
    }
    words = tf.ragged.constant([["ab", "a"], [], ["c"]])
    assert GraphWordPiece(section)(words).to_list() == [[1, 2, 1], [], [0]]


@pytest.mark.parametrize("pieces", [["[UNK]", "\0"], ["a"]])
def test_what_tensorflow_text_does_not_take_is_said(pieces):
    section = {
        "vocab": {piece: index for index, piece in enumerate(pieces)},
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 9,
    }
    message = r"vocabulary that tensorflow_text does not take \(.*\) has no exa"
    with pytest.raises(ValueError, match=message):
        GraphWordPiece(section)
