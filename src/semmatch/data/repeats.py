"""Which pairs of texts occur again, in one split or in another."""

import collections
import dataclasses


@dataclasses.dataclass(frozen=True)
class Repeats:
    """Pairs of texts that occur more than once.

    Attributes:
        duplicates: int, rows whose two texts stand in an earlier row, with
            the same label or another one.
        contradictions: int, pairs of texts that occur with several labels,
            each counted once however often it occurs.
    """

    duplicates: int
    contradictions: int


@dataclasses.dataclass(frozen=True)
class Shared:
    """What of another split stands in the pairs of a report.

    Attributes:
        num_pairs: int, rows of the split.
        pairs_in_order: int, its rows whose two texts stand in a row.
        pairs_any_order: int, the same where the texts may be swapped.
        num_texts: int, distinct texts of the split.
        texts: int, those of them that stand in either column.
    """

    num_pairs: int
    pairs_in_order: int
    pairs_any_order: int
    num_texts: int
    texts: int


def count_repeats(pairs):
    """Counts what repeats within `pairs`.

    Texts are the same if they are without the white space around them.

    Args:
        pairs: `Pairs`.

    Returns:
        A dict of `Repeats`: `in_order`, where the first text must equal the
        first and the second the second, and `any_order`, where the texts may
        be swapped.

    >>> from semmatch.data import Pairs
    >>> repeats = count_repeats(Pairs(["a", "b", "a "], ["b", "a", "b"]))
    >>> repeats["in_order"].duplicates, repeats["any_order"].duplicates
    (1, 2)
    """
    keys = _keys(pairs)
    return {
        "in_order": _repeats(keys, pairs.label),
        "any_order": _repeats(_sorted(keys), pairs.label),
    }


def count_shared(pairs, others):
    """Counts what of each other split stands in `pairs`.

    Args:
        pairs: `Pairs`.
        others: a dict from a split's name to its `Pairs`.

    Returns:
        A dict from the name to `Shared`.
    """
    own = _keys(pairs)
    in_order, any_order = set(own), set(_sorted(own))
    own_texts = {text for key in own for text in key}
    shared = {}
    for name, other in others.items():
        keys = _keys(other)
        texts = {text for key in keys for text in key}
        shared[name] = Shared(
            num_pairs=len(keys),
            pairs_in_order=sum(key in in_order for key in keys),
            pairs_any_order=sum(key in any_order for key in _sorted(keys)),
            num_texts=len(texts),
            texts=len(texts & own_texts),
        )
    return shared


def _keys(pairs):
    return [
        (a.strip(), b.strip())
        for a, b in zip(pairs.text_a, pairs.text_b, strict=True)
    ]


def _sorted(keys):
    return [(a, b) if a <= b else (b, a) for a, b in keys]


def _repeats(keys, label):
    labels = [None] * len(keys) if label is None else label.tolist()
    meanings = collections.Counter(
        key for key, _ in set(zip(keys, labels, strict=True))
    )
    return Repeats(
        duplicates=len(keys) - len(meanings),
        contradictions=sum(count > 1 for count in meanings.values()),
    )
