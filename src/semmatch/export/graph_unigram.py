"""Unigram models of sentencepiece as TensorFlow operations."""

import re

import tensorflow as tf

from semmatch.export.graph_form import no_graph_form
from semmatch.export.graph_sentencepiece import graph_sentencepiece
from semmatch.export.sentencepiece_writer import BYTE
from semmatch.export.sentencepiece_writer import NORMAL
from semmatch.export.sentencepiece_writer import UNKNOWN

_BYTE = re.compile("<0x[0-9A-F]{2}>")


class GraphUnigram(tf.Module):
    """Cuts words into the pieces of the highest sum of scores.

    Sums are of single precision, in the Rust library of double; where two
    ways of cutting a word are equally good, either may be taken.

    Args:
        model: a dict, the `model` of a tokenizer.json.

    Raises:
        ValueError: for a model without an unknown piece, or one that
            sentencepiece does not take.

    >>> vocab = [["<unk>", 0.0], ["▁pay", -1.0], ["ing", -2.0]]
    >>> model = GraphUnigram({"vocab": vocab, "unk_id": 0})
    >>> model(tf.ragged.constant([["▁paying", "x"]])).to_list()
    [[1, 2, 0]]
    """

    def __init__(self, model):
        super().__init__()
        unknown = model["unk_id"]
        if unknown is None:
            raise no_graph_form("A Unigram model without an unknown piece")
        byte_fallback = model.get("byte_fallback", False)
        pieces = [
            (text, score, _kind(index == unknown, byte_fallback, text))
            for index, (text, score) in enumerate(model["vocab"])
        ]
        try:
            self._model = graph_sentencepiece(
                pieces, byte_fallback=byte_fallback
            )
        except tf.errors.OpError as error:
            raise no_graph_form(
                "A Unigram model that sentencepiece does not take "
                f"({error.message})"
            ) from error

    def __call__(self, words):
        """Ids of words.

        Args:
            words: ragged string `(n, words)`.

        Returns:
            ragged int32 `(n, ids)`.
        """
        ids = self._model.tokenize(words.flat_values)
        return words.with_flat_values(ids).merge_dims(1, 2)


def _kind(is_unknown, byte_fallback, text):
    if is_unknown:
        return UNKNOWN
    return BYTE if byte_fallback and _BYTE.fullmatch(text) else NORMAL
