"""A tokenizer as TensorFlow operations, strings in and ids out."""

import json

import tensorflow as tf

from semmatch.export.graph_added_tokens import GraphAddedTokens
from semmatch.export.graph_form import no_graph_form
from semmatch.export.graph_normalizer import GraphNormalizer
from semmatch.export.graph_splitter import graph_splitter
from semmatch.export.graph_unigram import GraphUnigram
from semmatch.export.graph_wordpiece import GraphWordPiece

_MODELS = {"WordPiece": GraphWordPiece, "Unigram": GraphUnigram}

# TensorFlow's way of cutting strings stops at a null character. Each of these
# is to some tokenizers what that is: a control character or an unknown one.
_STAND_INS = ("\x01", "\uffff")


class GraphTokenizer(tf.Module):
    """Gives the ids of `Tokenizer.tokenize`, without special tokens.

    It follows the tokenizer's file section by section. Of WordPiece the ids
    are the same but for a few characters of rare scripts, which TensorFlow's
    version of Unicode writes in another way; of Unigram they may differ where
    two ways of cutting a word are equally good, or accents stand as characters
    of their own. `equal_texts` tells.

    Args:
        tokenizer: `semmatch.tokenizers.Tokenizer`.

    Raises:
        ValueError: if a part of it has no graph form; names the part.

    >>> from semmatch.tokenizers import Tokenizer
    >>> tokenizer = Tokenizer.train(["怎么还款", "app app"])
    >>> graph = GraphTokenizer(tokenizer)
    >>> ids = graph(tf.constant(["还款APP", "[MASK]"])).to_list()
    >>> ids == tokenizer.tokenize(["还款APP", "[MASK]"])
    True
    """

    def __init__(self, tokenizer):
        super().__init__()
        record = json.loads(tokenizer.to_json())
        if tokenizer.model not in _MODELS:
            raise no_graph_form(
                f"A tokenizer with a {tokenizer.model} model (byte-level, as "
                "RoBERTa's, or other)"
            )
        self._normalize = GraphNormalizer(record["normalizer"])
        self._split = graph_splitter(record["pre_tokenizer"])
        self._model = _MODELS[tokenizer.model](record["model"])
        # Some stand in the text as it is, others in the normalised one.
        as_it_is, normalised = [], []
        for token in record["added_tokens"]:
            if token["normalized"]:
                content = tokenizer.normalize(token["content"])
                normalised.append({**token, "content": content})
            else:
                as_it_is.append(token)
        self._as_it_is = GraphAddedTokens(as_it_is)
        self._normalised = GraphAddedTokens(normalised)
        self._null = _stand_in(tokenizer)
        # Traced once, however many functions of a graph use it.
        self._ids = tf.function(
            self._ids_of_texts,
            input_signature=[tf.TensorSpec((None,), tf.string)],
            autograph=False,
        )

    def __call__(self, texts):
        """Ids of texts.

        Args:
            texts: string `(n,)`, UTF-8.

        Returns:
            ragged int32 `(n, ids)`.

        Raises:
            tf.errors.InvalidArgumentError: for what is not UTF-8.
        """
        return self._ids(texts)

    def _ids_of_texts(self, texts):
        clean = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
        message = (
            "Expected texts in UTF-8. Received one with invalid bytes, such "
            "as half a character (a lone surrogate)."
        )
        # The texts themselves would be no message that Python can read.
        is_clean = tf.reduce_all(tf.equal(texts, clean))
        with tf.control_dependencies(
            [tf.debugging.Assert(is_clean, [message])]
        ):
            texts = tf.strings.regex_replace(texts, r"\x00", self._null)
        return self._as_it_is(texts, self._of_parts)

    def _of_parts(self, texts):
        return self._normalised(self._normalize(texts), self._of_words)

    def _of_words(self, texts):
        return self._model(self._split(texts))


def _stand_in(tokenizer):
    """A character that the tokenizer takes as it takes a null character."""
    patterns = ("{}", "a{}b", "{0}字{0} {0}")
    for character in _STAND_INS:
        null, other = (
            tokenizer.tokenize([p.format(c) for p in patterns])
            for c in ("\x00", character)
        )
        if null == other:
            return character
    raise no_graph_form("A tokenizer that reads null characters")
