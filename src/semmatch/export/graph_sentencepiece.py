"""A sentencepiece model in a graph, under a name of its own."""

import hashlib

import tensorflow as tf
import tensorflow_text as tf_text

from semmatch.export.sentencepiece_writer import sentencepiece_model


def graph_sentencepiece(pieces, *, out_type=tf.int32, **settings):
    """What cuts strings by a sentencepiece model.

    Args:
        pieces: list of `(text, score, kind)`, as of `sentencepiece_model`.
        out_type: `tf.int32` for ids, `tf.string` for pieces.
        **settings: further arguments of `sentencepiece_model`.

    Returns:
        `tensorflow_text.SentencepieceTokenizer`.

    Raises:
        tf.errors.OpError: if sentencepiece does not take it.

    >>> model = graph_sentencepiece([("<unk>", 0.0, 2), ("a", -1.0, 1)])
    >>> model.tokenize(["aa", "b"]).to_list()
    [[1, 1], [0]]
    """
    content = sentencepiece_model(pieces, **settings)
    # A process that loads a second model under the name of the first would be
    # given the first, so that the name is of the content.
    name = f"sentencepiece_{hashlib.sha256(content).hexdigest()}"
    return tf_text.SentencepieceTokenizer(content, out_type=out_type, name=name)
