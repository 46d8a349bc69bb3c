"""Texts with what means the same and what does not."""

import dataclasses
import warnings

import numpy as np

from semmatch.data.record_checks import check_equal_lengths
from semmatch.data.record_checks import check_full_texts
from semmatch.data.record_checks import check_rows


@dataclasses.dataclass(frozen=True, eq=False)
class Triplets:
    """Texts, each with one that means the same and any number that do not.

    Attributes:
        anchor: list of strings.
        positive: list of strings, as many.
        negatives: list of lists of strings, as many; the lists may differ in
            length and be empty. A string in place of a list is one negative.
        groups: list of hashables, as many, or None: rows of one group mean
            the same, such as those of one intent.

    >>> triplets = Triplets(["怎么还款"], ["如何还款"], ["怎么销户"])
    >>> triplets.negatives
    [['怎么销户']]

    Raises:
        TypeError, ValueError: for unequal lengths, a text that is no string,
            is blank or has a lone surrogate, and a group that is missing or
            not hashable.
    """

    anchor: list
    positive: list
    negatives: list
    groups: list | None = None

    def __post_init__(self):
        for name in ("anchor", "positive"):
            texts = check_full_texts(getattr(self, name), name)
            object.__setattr__(self, name, texts)
        negatives = _check_negatives(self.negatives)
        object.__setattr__(self, "negatives", negatives)
        names = ["anchor", "positive", "negatives"]
        if self.groups is not None:
            object.__setattr__(self, "groups", _check_groups(self.groups))
            names.append("groups")
        check_equal_lengths(self, *names)

    @classmethod
    def from_pairs(cls, pairs):
        """A row for each pair that matches.

        Its negatives are the second texts of the pairs of label 0 that have
        the same first text. White space around a text does not count.

        Args:
            pairs: `Pairs` of labels 0 and 1, or without labels, of which all
                match.

        >>> from semmatch.data import Pairs
        >>> pairs = Pairs(["a", "a", "b", "a"], ["c", "d", "e", "f"],
        ...               [1, 0, 1, 0])
        >>> Triplets.from_pairs(pairs).negatives
        [['d', 'f'], []]

        Raises:
            ValueError: for labels other than 0 and 1, and if none is 1.

        Warns of pairs of label 0 whose first text has no positive: they are
        left out.
        """
        matching = matching_rows(pairs)
        negatives = {pairs.text_a[row].strip(): {} for row in matching}
        unused = 0
        for row in np.setdiff1d(np.arange(len(pairs)), matching):
            own = negatives.get(pairs.text_a[row].strip())
            if own is None:
                unused += 1
            else:
                own.setdefault(pairs.text_b[row].strip(), pairs.text_b[row])
        if unused:
            warnings.warn(
                f"{unused:,} of {len(pairs):,} pairs are of label 0 and their "
                "first text has no positive: they are left out. "
                "`mine_hard_negatives` takes their second texts too.",
                stacklevel=2,
            )
        anchor = [pairs.text_a[row] for row in matching]
        return cls(
            anchor,
            [pairs.text_b[row] for row in matching],
            [list(negatives[text.strip()].values()) for text in anchor],
        )

    @classmethod
    def from_texts(cls, texts):
        """Each text as its own positive, without negatives.

        What dropout makes of a text twice shall be near, and that of other
        texts far: a model learns from texts alone.

        Source: Gao et al. 2021, SimCSE.

        Args:
            texts: list of strings.

        >>> Triplets.from_texts(["怎么还款", "如何还款"]).positive
        ['怎么还款', '如何还款']
        """
        texts = check_full_texts(texts, "texts")
        return cls(texts, texts, [[] for _ in texts])

    def __len__(self):
        return len(self.anchor)

    def __getitem__(self, rows):
        """The rows of a slice, or of a list or array of row numbers."""
        rows = check_rows(self, rows)
        return Triplets(
            [self.anchor[row] for row in rows],
            [self.positive[row] for row in rows],
            [self.negatives[row] for row in rows],
            None if self.groups is None else [self.groups[row] for row in rows],
        )

    def __repr__(self):
        total = sum(map(len, self.negatives))
        groups = ""
        if self.groups is not None:
            groups = f", {len(set(self.groups)):,} groups"
        return f"Triplets({len(self):,} rows, {total:,} negatives{groups})"


def matching_rows(pairs):
    """The numbers of the pairs that match, int64 `(n,)`.

    Args:
        pairs: as of `Triplets.from_pairs`.
    """
    if pairs.label is None:
        return np.arange(len(pairs))
    wrong = np.flatnonzero((pairs.label != 0) & (pairs.label != 1))
    if wrong.size:
        raise ValueError(
            "Positives and negatives are told apart by labels of 0 and 1. "
            f"Received: label[{wrong[0]}]={pairs.label[wrong[0]]}, and "
            f"{wrong.size} such labels. Cut grades at a threshold before: "
            "Pairs(text_a, text_b, label >= 0.8)."
        )
    matching = np.flatnonzero(pairs.label)
    if len(pairs) and not matching.size:
        raise ValueError(
            f"None of the {len(pairs)} pairs has label 1: there are no "
            "positives."
        )
    return matching


def _check_negatives(negatives):
    if isinstance(negatives, str) or not hasattr(negatives, "__iter__"):
        raise TypeError(
            "`negatives` must be a list with a list of strings for each row. "
            f"Received: {negatives!r}."
        )
    checked = []
    for place, own in enumerate(negatives):
        if isinstance(own, str):
            own = [own]
        elif not hasattr(own, "__iter__"):
            raise TypeError(
                f"negatives[{place}] must be a string or a list of strings, "
                f"an empty one for none. Received: {own!r}."
            )
        checked.append(check_full_texts(own, f"negatives[{place}]"))
    return checked


def _check_groups(groups):
    groups = list(groups)
    for place, group in enumerate(groups):
        try:
            hash(group)
        except TypeError as error:
            raise TypeError(
                "`groups` must be hashable, such as strings or ints. "
                f"Received: groups[{place}]={group!r}."
            ) from error
        # A number that is not equal to itself is a missing one.
        if group is None or group != group:
            raise ValueError(
                f"groups[{place}] is {group!r}. Give a row that means the "
                "same as no other a group of its own."
            )
    return groups
