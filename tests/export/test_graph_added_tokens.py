"""Added tokens are found in texts as the Rust library finds them."""

import json

import pytest
import tensorflow as tf
import tokenizers
from tokenizers import AddedToken
from tokenizers import models

from semmatch.export.graph_added_tokens import GraphAddedTokens
from tests.export.graph_texts import constant

TOKENS = [
    AddedToken("[M]", normalized=False),
    AddedToken("[M]x", normalized=False),
    AddedToken("<l>", normalized=False, lstrip=True),
    AddedToken("<r>", normalized=False, rstrip=True),
    AddedToken("<b>", normalized=False, lstrip=True, rstrip=True),
    AddedToken("a.c", normalized=False),
    AddedToken("还款", normalized=False),
]
TEXTS = [
    "",
    "[M]",
    "a[M]b",
    "[M]xy[M]",
    "[M][M] [M",
    "a <l> b \u3000<l>",
    "a <r> b<r>\n\t c",
    " <b> <b>\xa0",
    "<r> <l> <l><r>",
    "a.c abc a.cc",
    "还还款款",
    "  a  ",
]


def library():
    """A tokenizer of characters, with the added tokens."""
    letters = sorted({*"".join(TEXTS)})
    pieces = ["<unk>", *letters]
    model = models.WordLevel({p: i for i, p in enumerate(pieces)}, "<unk>")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer.add_tokens(TOKENS)
    return tokenizer, letters


def of_characters(letters):
    ids = {letter: index + 1 for index, letter in enumerate(letters)}
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            [letter.encode("utf-8") for letter in ids], list(ids.values())
        ),
        default_value=0,
    )

    def tokenize(texts):
        characters = tf.strings.unicode_split(texts, "UTF-8")
        return characters.with_flat_values(table.lookup(characters.flat_values))

    return tokenize


def test_tokens_are_found_as_by_the_rust_library():
    tokenizer, letters = library()
    records = json.loads(tokenizer.to_str())["added_tokens"]
    expected = [encoding.ids for encoding in tokenizer.encode_batch(TEXTS)]
    added = {record["id"] for record in records}
    assert added < {index for row in expected for index in row}
    find = GraphAddedTokens(records)
    found = find(constant(TEXTS), of_characters(letters))
    assert found.to_list() == expected


def test_without_added_tokens_texts_are_tokenised_whole():
    find = GraphAddedTokens([])
    found = find(constant(["ab"]), of_characters(["a", "b"]))
    assert found.to_list() == [[1, 2]]


def test_a_token_that_must_be_a_word_is_refused():
    record = {"content": "app", "single_word": True}
    message = "^The added token 'app', of single_word=True, has no exact graph"
    with pytest.raises(ValueError, match=message):
        GraphAddedTokens([record])
