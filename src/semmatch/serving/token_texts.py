"""Texts that have as many tokens as they are asked to have."""

import numpy as np

# Words to choose from, and of how many pieces they are looked for.
_WORDS = 500
_PIECES = 10_000

# As texts of words are written, and as Chinese is. The first that works.
_SEPARATORS = (" ", "")


def token_texts(tokenizer, length, number, *, seed=0):
    """Different texts of random words of a tokenizer's vocabulary.

    They mean nothing, but take a tokenizer and a model the time of texts of
    that length.

    Args:
        tokenizer: `Tokenizer`.
        length: int, the tokens of each text, special ones excluded.
        number: int, how many.
        seed: int.

    Returns:
        A list of strings.

    Raises:
        ValueError: if the vocabulary has no words for so many.

    >>> from semmatch.tokenizers import Tokenizer
    >>> tokenizer = Tokenizer.train(["怎么还款", "取消"])
    >>> texts = token_texts(tokenizer, 3, 5)
    >>> {len(ids) for ids in tokenizer.tokenize(texts)}, len(set(texts))
    ({3}, 5)
    """
    random = np.random.default_rng(seed)
    pieces = random.permutation(_pieces(tokenizer))[:_PIECES].tolist()
    for separator in _SEPARATORS:
        words = _words(tokenizer, pieces, separator)
        if not words:
            continue
        rows = random.choice(words, (20 * number, length))
        texts = list(dict.fromkeys(map(separator.join, rows)))
        ids = tokenizer.tokenize(texts)
        found = [
            text
            for text, own in zip(texts, ids, strict=True)
            if len(own) == length
        ]
        if len(found) >= number:
            return found[:number]
    raise ValueError(
        f"{number} different texts of {length} tokens are to be made of words "
        "that are one token each. Received: a tokenizer "
        f"({tokenizer.model}, {tokenizer.vocabulary_size:,} ids) without so "
        "many such words. Take fewer or longer texts."
    )


def _pieces(tokenizer):
    """The vocabulary as text, without the marks of a word's start or end."""
    tokens = map(tokenizer.token, range(tokenizer.vocabulary_size))
    pieces = (token.strip("▁Ġ#") for token in tokens if token is not None)
    return sorted({piece for piece in pieces if piece.isalnum()})


def _words(tokenizer, pieces, separator):
    """Of the pieces some that are a token each, alone and in a row."""
    texts = [
        separator.join([piece] * count) for piece in pieces for count in (1, 3)
    ]
    lengths = [len(ids) for ids in tokenizer.tokenize(texts)]
    found = zip(pieces, lengths[::2], lengths[1::2], strict=True)
    return [piece for piece, one, three in found if (one, three) == (1, 3)][
        :_WORDS
    ]
