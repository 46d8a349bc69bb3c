"""How a tokenizer cuts texts into words, as TensorFlow operations."""

import tensorflow as tf
import tensorflow_text as tf_text

from semmatch.export.character_classes import bert_punctuation
from semmatch.export.character_classes import WHITE_SPACE
from semmatch.export.graph_form import no_graph_form

_SPACE = "▁"


def graph_splitter(section):
    """The `pre_tokenizer` of a tokenizer.json in a graph.

    Args:
        section: a dict, or None for a text as one word.

    Returns:
        A function from string `(n,)` to a ragged string `(n, words)`.

    Raises:
        ValueError: for what has no graph form; names it.

    >>> split = graph_splitter({"type": "BertPreTokenizer"})
    >>> [word.decode() for word in split(tf.constant(["a, b"]))[0].numpy()]
    ['a', ',', 'b']
    """
    if section is None:
        return _whole
    kind = section["type"]
    if kind == "BertPreTokenizer":
        return _bert()
    if kind == "WhitespaceSplit":
        return _white_space
    if kind == "Metaspace":
        return _metaspace(section)
    if kind != "Sequence":
        raise no_graph_form(f"A pre-tokenizer of type {kind!r}")
    splitters = [graph_splitter(part) for part in section["pretokenizers"]]

    def split(texts):
        words = _whole(texts)
        for splitter in splitters:
            inner = splitter(words.flat_values)
            words = words.with_flat_values(inner).merge_dims(1, 2)
        return words

    return split


def _whole(texts):
    """Each text as one word, an empty one as none."""
    is_word = texts != ""
    return tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(texts, is_word),
        tf.cast(is_word, tf.int64),
        validate=False,
    )


def _white_space(texts):
    return tf_text.regex_split(texts, f"{WHITE_SPACE}+")


def _bert():
    punctuation = bert_punctuation()

    def split(texts):
        return tf_text.regex_split(
            texts, f"{WHITE_SPACE}+|{punctuation}", punctuation
        )

    return split


def _metaspace(section):
    scheme = section.get("prepend_scheme")
    if scheme is None:  # a file of before there were schemes
        scheme = "always" if section["add_prefix_space"] else "never"
    if section["replacement"] != _SPACE:
        raise no_graph_form(
            f"A Metaspace of {section['replacement']!r} instead of {_SPACE!r}"
        )
    if scheme not in ("always", "never"):
        # It depends on where in the text the word stood at first.
        raise no_graph_form(f"A Metaspace of prepend_scheme={scheme!r}")

    def split(texts):
        texts = tf.strings.regex_replace(texts, " ", _SPACE)
        if scheme == "always":
            texts = tf.strings.regex_replace(
                texts, f"^([^{_SPACE}])", rf"{_SPACE}\1", replace_global=False
            )
        if not section.get("split", True):
            return _whole(texts)
        word = f"{_SPACE}[^{_SPACE}]*"
        return tf_text.regex_split(texts, word, word)

    return split
