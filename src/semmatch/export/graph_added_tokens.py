"""Tokens that texts may hold as such, found in a graph."""

import tensorflow as tf
import tensorflow_text as tf_text

from semmatch.export.character_classes import WHITE_SPACE
from semmatch.export.graph_form import no_graph_form
from semmatch.export.graph_normalizer import quote


class GraphAddedTokens(tf.Module):
    """Cuts texts at added tokens, such as a literal `[MASK]`.

    Args:
        records: list of dicts, as `added_tokens` of a tokenizer.json.

    Raises:
        ValueError: for a token that only counts as a word of its own.

    >>> mask = {"content": "[MASK]", "id": 4, "single_word": False,
    ...         "lstrip": False, "rstrip": False}
    >>> cut = GraphAddedTokens([mask])
    >>> def tokenize(texts):
    ...     return tf.strings.unicode_decode(texts, "UTF-8")
    >>> cut(tf.constant(["a[MASK]b"]), tokenize).to_list()
    [[97, 4, 98]]
    """

    def __init__(self, records):
        super().__init__()
        ids: dict = {}
        patterns = {}
        for record in records:
            text = record["content"]
            if record["single_word"]:
                raise no_graph_form(
                    f"The added token {text!r}, of single_word=True,"
                )
            if not text or text in ids:
                continue  # the first counts
            ids[text] = record["id"]
            before, after = (
                f"{WHITE_SPACE}*" if record[side] else ""
                for side in ("lstrip", "rstrip")
            )
            patterns[text] = f"{before}{quote(text)}{after}"
        # The longest of those that begin at one place.
        order = sorted(patterns, key=len, reverse=True)
        self._pattern = "|".join(patterns[text] for text in order)
        self._ids = ids and tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                [text.encode("utf-8") for text in ids],
                tf.constant(list(ids.values()), tf.int32),
            ),
            default_value=-1,
        )

    def __call__(self, texts, tokenize):
        """Ids of texts.

        Args:
            texts: string `(n,)`.
            tokenize: function from string `(m,)`, what stands between added
                tokens, to ragged int32 `(m, ids)`.

        Returns:
            ragged int32 `(n, ids)`.
        """
        if not self._ids:
            return tokenize(texts)
        parts = tf_text.regex_split(texts, self._pattern, self._pattern)
        flat = parts.flat_values
        bare = tf.strings.regex_replace(
            flat, f"^{WHITE_SPACE}+|{WHITE_SPACE}+$", ""
        )
        ids = tf.maximum(self._ids.lookup(flat), self._ids.lookup(bare))
        is_token = ids >= 0
        tokens = tf.RaggedTensor.from_row_lengths(
            tf.boolean_mask(ids, is_token),
            tf.cast(is_token, tf.int64),
            validate=False,
        )
        between = tokenize(tf.where(is_token, "", flat))
        both = tf.concat([tokens, between], axis=1)
        return parts.with_flat_values(both).merge_dims(1, 2)
