"""What models are trained and evaluated on, as plain lists and arrays."""

import dataclasses

import numpy as np

from semmatch.data.record_checks import check_equal_lengths
from semmatch.data.record_checks import check_label
from semmatch.data.record_checks import check_rows
from semmatch.data.record_checks import check_texts
from semmatch.data.report import data_report


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of texts, with a label each or without.

    Attributes:
        text_a: list of strings.
        text_b: list of strings, as many.
        label: int64 or float32 `(n,)`, or None: classes from 0, or graded
            similarities.
        skipped: tuple of strings, the rows that a reader left out, each with
            its file, line and reason.

    >>> pairs = Pairs(["怎么还款", "如何开户"], ["如何还", "怎么销户"], [1, 0])
    >>> len(pairs), pairs[:1].text_b, pairs[[1]].label.tolist()
    (2, ['如何还'], [0])

    Raises:
        TypeError, ValueError: for unequal lengths, a text that is no string
            or has a lone surrogate, a label that is no finite number.
    """

    text_a: list
    text_b: list
    label: np.ndarray | None = None
    skipped: tuple = ()

    def __post_init__(self):
        for name in ("text_a", "text_b"):
            object.__setattr__(
                self, name, check_texts(getattr(self, name), name)
            )
        check_equal_lengths(self, "text_a", "text_b")
        if self.label is not None:
            label = check_label(self.label, len(self))
            object.__setattr__(self, "label", label)

    def __len__(self):
        return len(self.text_a)

    def __getitem__(self, rows):
        """The pairs of a slice, or of a list or array of row numbers."""
        rows = check_rows(self, rows)
        return Pairs(
            [self.text_a[row] for row in rows],
            [self.text_b[row] for row in rows],
            None if self.label is None else self.label[rows],
            self.skipped,
        )

    def report(self, *, preprocessor=None, others=None):
        """What is in the pairs: labels, lengths, repeats, leaks, a floor.

        Args:
            preprocessor: the model's (`model.preprocessor`) or a `Packer`,
                to count tokens too; None for characters alone.
            others: a dict from a split's name to its `Pairs`, to count what
                of it stands in these pairs; None for no other split.

        Returns:
            `DataReport`; print it, or take its `to_dict()`.

        >>> train = Pairs(["如何还款", "怎么开户"], ["怎么还", "还款"], [1, 0])
        >>> test = Pairs(["怎么还"], ["如何还款"], [1])
        >>> print(train.report(others={"test": test}))
        label  pairs   share
        0          1   50.0%
        1          1   50.0%
        all        2  100.0%
        <BLANKLINE>
        length              50%  90%  95%  99%  max
        characters, text_a    4    4    4    4    4
        characters, text_b    2    3    3    3    3
        characters, both      6    7    7    7    7
        <BLANKLINE>
        pairs             in order  any order
        duplicates               0          0
        contradictions           0          0
        shared with test         0          1
        2 of the 2 texts of test stand here too
        <BLANKLINE>
        by shared characters alone: accuracy 1.0000 (1 if overlap >= 0.1429),
        AUC 1.0000
        <BLANKLINE>
        ! Pairs of test that stand in these pairs too, in any order: 1. Remove
        them from one of the two.

        Raises:
            TypeError: if `others` is no dict of `Pairs`.
            ValueError: if there are no pairs.
        """
        return data_report(self, preprocessor, _check_others(others))

    def __repr__(self):
        labels = (
            "no labels"
            if self.label is None
            else (
                f"labels of mean {self.label.mean():.3f}"
                if len(self)
                else "empty"
            )
        )
        return f"Pairs({len(self):,} pairs, {labels})"


@dataclasses.dataclass(frozen=True, eq=False)
class RankedLists:
    """Queries, each with candidates of known relevance.

    Attributes:
        query: list of strings.
        candidates: list of lists of strings, one list a query.
        label: list of arrays, the relevance of each candidate.

    >>> lists = RankedLists(["怎么还款"], [["如何还款", "怎么销户"]], [[1, 0]])
    >>> len(lists), lists.label[0].tolist()
    (1, [1, 0])
    """

    query: list
    candidates: list
    label: list

    def __post_init__(self):
        object.__setattr__(self, "query", check_texts(self.query, "query"))
        check_equal_lengths(self, "query", "candidates", "label")
        candidates = [
            check_texts(texts, f"candidates[{place}]")
            for place, texts in enumerate(self.candidates)
        ]
        label = [
            check_label(labels, len(texts))
            for labels, texts in zip(self.label, candidates, strict=True)
        ]
        object.__setattr__(self, "candidates", candidates)
        object.__setattr__(self, "label", label)

    @classmethod
    def from_pairs(cls, pairs):
        """A list for each `text_a`, of the `text_b` that it stands with.

        Queries are in the order in which they first occur, and candidates
        too; the rows of a query need not follow each other.

        Args:
            pairs: labelled `Pairs`.

        >>> pairs = Pairs(["a", "b", "a"], ["c", "d", "e"], [1, 0, 0])
        >>> RankedLists.from_pairs(pairs).candidates
        [['c', 'e'], ['d']]

        Raises:
            ValueError: for pairs without labels.
        """
        if pairs.label is None:
            raise ValueError(
                "`RankedLists` needs pairs with labels, the relevance of each "
                f"candidate. Received: {pairs!r}."
            )
        rows = {}
        for row, query in enumerate(pairs.text_a):
            rows.setdefault(query, []).append(row)
        return cls(
            list(rows),
            [[pairs.text_b[row] for row in own] for own in rows.values()],
            [pairs.label[own] for own in rows.values()],
        )

    def __len__(self):
        return len(self.query)

    def __repr__(self):
        total = sum(map(len, self.candidates))
        return f"RankedLists({len(self):,} queries, {total:,} candidates)"


def _check_others(others):
    if others is None:
        return {}
    if not isinstance(others, dict) or not all(
        isinstance(split, Pairs) for split in others.values()
    ):
        raise TypeError(
            "`others` must be a dict from a split's name to its `Pairs`, such "
            f"as {{'test': test}}. Received: {others!r}."
        )
    return others
