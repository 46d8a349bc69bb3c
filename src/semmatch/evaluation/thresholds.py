"""Chooses the score from which on a pair counts as a match."""

from typing import NamedTuple

import numpy as np

from semmatch._checks import check_one_of
from semmatch.evaluation.inputs import check_ranked
from semmatch.evaluation.probabilities import check_probabilities

CRITERIA = ("f1", "accuracy", "precision", "fpr")

# Those that hold a figure instead of making one as large as it gets.
_HELD = ("precision", "fpr")


class Threshold(NamedTuple):
    """A threshold and its figures on the pairs it was chosen on.

    Attributes:
        value: float in [0, 1]; a pair matches if its score is at least this.
        precision: float, the share of matches that are right; 0 without any.
        recall: float, the share of positive pairs that match.
        f1: float.
        accuracy: float.
        fpr: float, the share of negative pairs that match.
    """

    value: float
    precision: float
    recall: float
    f1: float
    accuracy: float
    fpr: float


def choose_threshold(labels, scores, *, by="f1", at=None):
    """The threshold that does best by a criterion, the highest of equal ones.

    It lies in the middle between two neighbouring scores, so that rounding
    decides no pair, and is a float32 number, so that a comparison in float32
    ends as one in float64. Where no such number is between the two, it is
    the higher score. Choose it on validation pairs, not on those that it is
    reported on.

    Args:
        labels: 0 or 1, `(n,)`.
        scores: floats in [0, 1], `(n,)`.
        by: `"f1"` or `"accuracy"`, made as large as it gets; `"precision"`,
            held at `at` or above with the largest recall; or `"fpr"`, the
            share of negative pairs that match, held at `at` or below.
        at: float in [0, 1], for `"precision"` and `"fpr"` alone.

    Returns:
        `Threshold`.

    >>> labels, scores = [0, 1, 0, 1], [0.125, 0.375, 0.5, 0.75]
    >>> chosen = choose_threshold(labels, scores)
    >>> chosen.value, chosen.f1
    (0.25, 0.8)
    >>> choose_threshold(labels, scores, by="precision", at=0.9).value
    0.625

    Raises:
        ValueError: for labels of one class alone, scores that are not finite
            or outside [0, 1], and a precision or rate that no threshold
            which finds a positive pair reaches.
    """
    check_one_of(by, CRITERIA, "by")
    _check_at(by, at)
    labels, scores = check_ranked(labels, scores, "choose_threshold")
    points = _points(labels, check_probabilities(scores).astype("float64"))
    if by in _HELD:
        best = _lowest_that_holds(points, by, at)
    else:
        # The first of equal ones: the highest threshold.
        best = int(np.argmax(getattr(points, by)))
    return Threshold(*(float(column[best]) for column in points))


def _points(labels, scores):
    """`Threshold` of arrays: one place for each way to cut the scores."""
    order = np.argsort(-scores, kind="stable")
    labels, scores = labels[order], scores[order]
    # The last pair of each run of equal scores.
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    value = _between(np.append(scores[ends[1:]], 0.0), scores[ends])
    matches, right = ends + 1, np.cumsum(labels)[ends]
    if scores[0] < 1:
        # There is room above all scores: no pair matches.
        value = np.append(_between(scores[:1], np.ones(1)), value)
        matches, right = np.append(0, matches), np.append(0, right)
    positives = labels.sum()
    negatives = len(labels) - positives
    wrong = matches - right
    return Threshold(
        value=value,
        precision=right / np.maximum(matches, 1),
        recall=right / positives,
        f1=2 * right / (matches + positives),
        accuracy=(right + negatives - wrong) / len(labels),
        fpr=wrong / negatives,
    )


def _between(low, high):
    """Numbers above `low`, at most `high`, that round to nothing else."""
    middle = ((low + high) / 2).astype("float32").astype("float64")
    return np.where((low < middle) & (middle <= high), middle, high)


def _lowest_that_holds(points, by, at):
    column = getattr(points, by)
    # To match nothing, or negative pairs alone, holds any rate for no use.
    useful = np.flatnonzero(points.recall > 0)
    at_least = by == "precision"
    holds = column[useful] >= at if at_least else column[useful] <= at
    if not holds.any():
        find = np.argmax if at_least else np.argmin
        best = useful[find(column[useful])]
        raise ValueError(
            f"No threshold reaches a {by} of {at} on these pairs. The best "
            f"possible is {column[best]:.4f}, at a threshold of "
            f"{points.value[best]:.4f}, which finds "
            f"{points.recall[best]:.4f} of the positive pairs."
        )
    return useful[holds][-1]


def _check_at(by, at):
    if by not in _HELD:
        if at is not None:
            raise ValueError(
                f"`at` is for {_HELD}; {by!r} is made as large as it gets. "
                f"Received: by={by!r}, at={at}."
            )
    elif at is None or not 0 <= at <= 1:
        raise ValueError(
            f"`by={by!r}` needs `at`, the {by} to hold, in [0, 1]. Received: "
            f"at={at}."
        )
