"""Figures of a classifier, exact over all examples at once."""

from typing import NamedTuple

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.evaluation.inputs import check_labels
from semmatch.evaluation.inputs import check_ranked


class PrecisionRecallCurve(NamedTuple):
    """Points of `precision_recall_curve`, each float64 `(distinct scores,)`.

    Point i counts an example as positive if its score is at least
    `thresholds[i]`. Thresholds fall, so recall rises to 1.
    """

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray


def confusion_matrix(labels, predictions, *, num_classes=None):
    """Counts the examples of each true and predicted class.

    Args:
        labels: integers `(n,)`, the true classes.
        predictions: integers `(n,)`, the predicted classes.
        num_classes: int; None for one more than the largest class seen.

    Returns:
        int64 `(classes, classes)`: rows are true, columns predicted.

    >>> confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1]).tolist()
    [[1, 1], [0, 2]]

    Raises:
        ValueError: for unequal lengths, no examples or unknown classes.
    """
    if num_classes is not None:
        num_classes = check_positive_int(num_classes, "num_classes")
    labels = check_labels(labels, "labels", num_classes)
    predictions = check_labels(predictions, "predictions", num_classes)
    if len(labels) != len(predictions):
        raise ValueError(
            "`labels` and `predictions` must have the same length. Received: "
            f"{len(labels)} labels and {len(predictions)} predictions."
        )
    if num_classes is None:
        num_classes = int(max(labels.max(), predictions.max())) + 1
    # Each cell has a number of its own: one pass over the examples.
    cells = labels * num_classes + predictions
    counts = np.bincount(cells, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype("int64")


def precision_recall_curve(labels, scores):
    """Precision and recall at every threshold that changes them.

    Args:
        labels: 0 or 1, `(n,)`.
        scores: floats `(n,)`, larger for the positive class.

    Returns:
        `PrecisionRecallCurve`, one point for each distinct score. Unlike
        scikit-learn's, it runs from the highest threshold down and has no
        made-up last point of recall 0 and precision 1.

    >>> curve = precision_recall_curve([0, 1, 1], [0.1, 0.4, 0.8])
    >>> curve.precision.round(3).tolist()
    [1.0, 1.0, 0.667]
    >>> curve.recall.tolist()
    [0.5, 1.0, 1.0]
    >>> curve.thresholds.tolist()
    [0.8, 0.4, 0.1]

    Raises:
        ValueError: if `labels` holds one class alone.
    """
    labels, scores = check_ranked(labels, scores, "precision_recall_curve")
    return _curve(labels, scores)


def average_precision(labels, scores):
    """The step-wise area under the precision-recall curve, in [0, 1].

    The sum over thresholds of precision times the gain in recall, with no
    straight lines in between, as scikit-learn's `average_precision_score`.
    Examples of one score enter together, so their order has no effect.

    Args:
        labels: 0 or 1, `(n,)`.
        scores: floats `(n,)`, larger for the positive class.

    Returns:
        float; random scores give about the share of positives.

    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333

    Raises:
        ValueError: if `labels` holds one class alone.
    """
    labels, scores = check_ranked(labels, scores, "average_precision")
    precision, recall, _ = _curve(labels, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def roc_auc(labels, scores):
    """The area under the ROC curve, in [0, 1].

    The probability that a positive example scores above a negative one, a
    tie counting one half: the Mann-Whitney statistic from average ranks.

    Args:
        labels: 0 or 1, `(n,)`.
        scores: floats `(n,)`, larger for the positive class.

    Returns:
        float; 0.5 for random scores.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75

    Raises:
        ValueError: if `labels` holds one class alone.
    """
    labels, scores = check_ranked(labels, scores, "roc_auc")
    _, place, counts = np.unique(
        scores, return_inverse=True, return_counts=True
    )
    # Equal scores share the mean of the ranks, from 1, that they take up.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = int(labels.sum())
    negatives = len(labels) - positives
    wins = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def _curve(labels, scores):
    order = np.argsort(-scores, kind="stable")
    labels, scores = labels[order], scores[order]
    # The last example of each run of equal scores.
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    true_positives = np.cumsum(labels)[ends]
    return PrecisionRecallCurve(
        precision=true_positives / (ends + 1),
        recall=true_positives / labels.sum(),
        thresholds=scores[ends].astype("float64"),
    )
