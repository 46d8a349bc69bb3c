"""What pairs of texts are found by, without their texts."""

import hashlib

from semmatch.data.record_checks import check_texts


def pair_keys(text_a, text_b):
    """A hash of each pair, a list of 16 bytes each.

    >>> [len(key) for key in pair_keys(["还款"], ["怎么还"])]
    [16]
    """
    keys = []
    for a, b in zip(text_a, text_b, strict=True):
        a, b = a.encode(), b.encode()
        # With the length of the first, so that no two pairs are one string.
        both = len(a).to_bytes(8, "little") + a + b
        keys.append(hashlib.blake2b(both, digest_size=16).digest())
    return keys


def pair_texts(pairs):
    """The two columns of `Pairs` or of a list of `(text_a, text_b)`.

    >>> pair_texts([("还款", "怎么还"), ("取消", "注销")])
    (['还款', '取消'], ['怎么还', '注销'])
    """
    if hasattr(pairs, "text_a"):
        return pairs.text_a, pairs.text_b
    pairs = list(pairs)
    return (
        check_texts([a for a, _ in pairs], "text_a"),
        check_texts([b for _, b in pairs], "text_b"),
    )
