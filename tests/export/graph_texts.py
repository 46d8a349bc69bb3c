"""Texts for the graph forms of tokenizers, and sections of their files."""

import json
import re

import tensorflow as tf
import tokenizers

from tests.fixtures.fuzz import fuzzed_pairs

FUZZED = [text for pair in fuzzed_pairs(400, seed=7) for text in pair]

# Null characters are replaced before anything else, and of the other one, a
# letter of Unicode 16, TensorFlow does not know its lower case.
WITHOUT_NULL = [re.sub("[\0\ua7cb]", "", text) for text in FUZZED]


def section(**parts):
    """The section of a tokenizer.json that a part of the library becomes.

    Args:
        **parts: one of `normalizer` and `pre_tokenizer`.
    """
    [(name, part)] = parts.items()
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece())
    setattr(tokenizer, name, part)
    return json.loads(tokenizer.to_str())[name]


def constant(texts):
    return tf.constant([text.encode("utf-8") for text in texts])


def decoded(rows):
    """Strings of a ragged tensor, or of a tensor."""
    if isinstance(rows, tf.RaggedTensor):
        return [[part.decode() for part in row] for row in rows.to_list()]
    return [text.decode() for text in rows.numpy()]
