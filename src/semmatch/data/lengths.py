"""How long texts are, in characters and in tokens."""

import dataclasses

import numpy as np

from semmatch.tokenizers.rows import MULTIPLE

# Texts whose token ids are held at once.
_CHUNK = 10_000


@dataclasses.dataclass(frozen=True)
class Lengths:
    """Percentiles: `p90` is the smallest length that holds 90 % of all.

    Attributes:
        p50: int.
        p90: int.
        p95: int.
        p99: int.
        maximum: int.
    """

    p50: int
    p90: int
    p95: int
    p99: int
    maximum: int

    @classmethod
    def of(cls, lengths):
        """The percentiles of ints `(n,)`, at least one.

        >>> Lengths.of([3, 1, 2, 9])
        Lengths(p50=2, p90=9, p95=9, p99=9, maximum=9)
        """
        lengths = np.sort(np.asarray(lengths))
        # In integers, since 0.95 * n rounded up may be one too many.
        places = [
            -(-len(lengths) * percent // 100) - 1
            for percent in (50, 90, 95, 99, 100)
        ]
        return cls(*lengths[places].tolist())


@dataclasses.dataclass(frozen=True)
class TokenCounts:
    """Pairs as a tokenizer reads them.

    Attributes:
        lengths: `Lengths` of the packed pairs before they are cut, special
            tokens included.
        sequence_length: int, that of the preprocessor.
        num_cut: int, pairs that it cuts.
        suggested_length: int, the smallest multiple of 8 that holds 99 % of
            the pairs.
        unknown_share: float, unknown tokens among those of the texts.
    """

    lengths: Lengths
    sequence_length: int
    num_cut: int
    suggested_length: int
    unknown_share: float


def count_characters(pairs):
    """A dict of `Lengths`: `text_a`, `text_b` and `both` together.

    >>> from semmatch.data import Pairs
    >>> count_characters(Pairs(["还款"], ["还"]))["both"].maximum
    3
    """
    a = np.array([len(text) for text in pairs.text_a])
    b = np.array([len(text) for text in pairs.text_b])
    columns = {"text_a": a, "text_b": b, "both": a + b}
    return {name: Lengths.of(column) for name, column in columns.items()}


def count_tokens(pairs, preprocessor):
    """Counts the tokens of packed pairs.

    A bi-encoder reads each text by itself, with the prompt of its side: the
    longer one counts.

    Args:
        pairs: `Pairs`, at least one.
        preprocessor: has a `tokenizer` and a `sequence_length`; that of a
            bi-encoder also a `query_prompt` and a `passage_prompt`.

    Returns:
        `TokenCounts`.
    """
    tokenizer, limit = preprocessor.tokenizer, preprocessor.sequence_length
    alone = hasattr(preprocessor, "query_prompt")
    first = preprocessor.query_prompt if alone else ""
    second = preprocessor.passage_prompt if alone else ""
    a, unknown_a = _count(tokenizer, pairs.text_a, first)
    b, unknown_b = _count(tokenizer, pairs.text_b, second)
    template = tokenizer.single if alone else tokenizer.pair
    special = sum(len(part.ids) for part in template)
    packed = (np.maximum(a, b) if alone else a + b) + special
    lengths = Lengths.of(packed)
    return TokenCounts(
        lengths=lengths,
        sequence_length=limit,
        num_cut=int((packed > limit).sum()),
        suggested_length=-(-lengths.p99 // MULTIPLE) * MULTIPLE,
        # White space alone has no tokens at all.
        unknown_share=(unknown_a + unknown_b) / max(1, int((a + b).sum())),
    )


def _count(tokenizer, texts, prompt):
    """Tokens of each text, int64 `(n,)`, and how many are unknown in all."""
    lengths, unknown = [], 0
    for start in range(0, len(texts), _CHUNK):
        part = texts[start : start + _CHUNK]
        ids = tokenizer.tokenize([prompt + text for text in part])
        lengths += map(len, ids)
        unknown += sum(row.count(tokenizer.unknown_id) for row in ids)
    return np.array(lengths, "int64"), unknown
