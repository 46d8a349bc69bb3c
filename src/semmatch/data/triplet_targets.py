"""What a loss gets to know of the texts of triplets: groups or scores."""

import itertools
import warnings

import numpy as np

# If more of the rows are of one group, most pairs of rows are no negatives.
_LARGE_GROUP = 0.5


def row_groups(triplets, groups):
    """The group of each row, int32 `(n,)`.

    Args:
        triplets: `Triplets`.
        groups: a dict, as of `text_groups`.
    """
    return np.array([groups[text.strip()] for text in triplets.anchor], "int32")


def group_targets(triplets, groups):
    """The group of each text.

    Args:
        triplets: `Triplets`.
        groups: as of `row_groups`. A negative of no group is one of its own.

    Returns:
        int32 `(n, 2)` of anchors and positives, and int32 of all negatives,
        row by row, and of an empty place, -1.

    >>> from semmatch.data import Triplets
    >>> from semmatch.data.text_groups import text_groups
    >>> triplets = Triplets(["a", "b"], ["c", "d"], [["d", "e"], ["f"]])
    >>> own, negative = group_targets(triplets, text_groups(triplets))
    >>> own.tolist(), negative.tolist()
    ([[0, 0], [1, 1]], [1, 2, 3, -1])
    """
    own = row_groups(triplets, groups)
    alone = {}
    negative = []
    for text in itertools.chain(*triplets.negatives):
        text = text.strip()
        group = groups.get(text)
        if group is None:
            group = alone.setdefault(text, own.max() + 1 + len(alone))
        negative.append(group)
    negative = np.array([*negative, -1], "int32")
    _warn_of_masked(triplets, own, negative)
    _warn_of_large(triplets, own)
    return np.stack([own, own], axis=1), negative


def score_targets(triplets, scores):
    """The scores that a teacher gave.

    Args:
        triplets: `Triplets`.
        scores: a list, for each row, of float `(1 + negatives,)`.

    Returns:
        float32 `(n, 1)` of positives, and float32 of all negatives, row by
        row, and of an empty place, NaN.
    """
    if len(scores) != len(triplets):
        raise ValueError(
            "`scores` must hold an array for each row. Received: "
            f"{len(scores)} arrays for {len(triplets)} rows."
        )
    rows = [np.asarray(row, "float32") for row in scores]
    for place, row in enumerate(rows):
        expected = (1 + len(triplets.negatives[place]),)
        if row.shape != expected:
            raise ValueError(
                f"scores[{place}] must hold a score of the positive and one "
                f"of each negative, shape {expected}. Received: shape "
                f"{row.shape}."
            )
        if not np.isfinite(row).all():
            raise ValueError(
                f"scores[{place}] must be finite. Received: {row.tolist()}."
            )
    positive = np.array([row[:1] for row in rows])
    empty = np.array([np.nan], "float32")
    return positive, np.concatenate([*(row[1:] for row in rows), empty])


def _warn_of_masked(triplets, own, negative):
    counts = list(map(len, triplets.negatives))
    rows = np.repeat(np.arange(len(counts)), counts)
    masked = np.flatnonzero(negative[:-1] == own[rows])
    if masked.size:
        row = rows[masked[0]]
        place = masked[0] - np.searchsorted(rows, row)
        warnings.warn(
            f"{masked.size:,} of {len(rows):,} negatives are of the group of "
            "their own anchor, by the texts that other rows share with them: "
            f"losses leave them out. The first is of row {row}, "
            f"{triplets.negatives[row][place]!r} of the anchor "
            f"{triplets.anchor[row]!r}.",
            stacklevel=4,
        )


def _warn_of_large(triplets, own):
    group = int(np.bincount(own).argmax())
    rows = np.flatnonzero(own == group)
    if len(own) > 1 and len(rows) > _LARGE_GROUP * len(own):
        warnings.warn(
            f"{len(rows):,} of {len(own):,} rows are one group, by groups or "
            "texts that they share: these are no negatives of each other. The "
            f"first has the anchor {triplets.anchor[rows[0]]!r}.",
            stacklevel=4,
        )
