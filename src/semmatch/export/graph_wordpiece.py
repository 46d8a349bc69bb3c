"""WordPiece as TensorFlow operations."""

import tensorflow as tf
import tensorflow_text as tf_text

from semmatch.export.graph_form import no_graph_form

# The limit is in characters, and checked here.
_NO_LIMIT = 2**31 - 1


class GraphWordPiece(tf.Module):
    """Cuts words into the longest pieces that fit, from left to right.

    Args:
        model: a dict, the `model` of a tokenizer.json.

    Raises:
        ValueError: for a vocabulary that tensorflow_text does not take.

    >>> model = {"vocab": {"[UNK]": 0, "pay": 1, "##ing": 2},
    ...     "unk_token": "[UNK]", "continuing_subword_prefix": "##",
    ...     "max_input_chars_per_word": 100}
    >>> words = tf.ragged.constant([["paying", "x"]])
    >>> GraphWordPiece(model)(words).to_list()
    [[1, 2, 0]]
    """

    def __init__(self, model):
        super().__init__()
        vocabulary = sorted(model["vocab"].items(), key=lambda item: item[1])
        pieces, ids = zip(*vocabulary, strict=True)
        self._unknown = model["unk_token"].encode("utf-8")
        self._limit = model["max_input_chars_per_word"]
        self._ids = tf.constant(ids, tf.int32)
        try:
            self._pieces = tf_text.FastWordpieceTokenizer(
                list(pieces),
                suffix_indicator=model["continuing_subword_prefix"],
                max_bytes_per_word=_NO_LIMIT,
                token_out_type=tf.int32,
                unknown_token=model["unk_token"],
                no_pretokenization=True,
            )
        except RuntimeError as error:
            raise no_graph_form(
                "A WordPiece vocabulary that tensorflow_text does not take "
                f"({error})"
            ) from error

    def __call__(self, words):
        """Ids of words.

        Args:
            words: ragged string `(n, words)`.

        Returns:
            ragged int32 `(n, ids)`.
        """
        flat = words.flat_values
        length = tf.strings.length(flat, unit="UTF8_CHAR")
        # It is a piece itself.
        flat = tf.where(length > self._limit, self._unknown, flat)
        places = self._pieces.tokenize(flat)
        ids = tf.gather(self._ids, places.flat_values)
        ids = places.with_flat_values(ids)
        return words.with_flat_values(ids).merge_dims(1, 2)
