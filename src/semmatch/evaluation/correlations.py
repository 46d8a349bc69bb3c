"""Correlations of labels with predictions and with scores."""

import math

import numpy as np

from semmatch.evaluation.classification import confusion_matrix
from semmatch.evaluation.inputs import check_scores


def matthews_correlation(labels, predictions):
    """The correlation of two classes with their predictions, in [-1, 1].

    Unlike accuracy it is 0 for whoever always says the same, however rare
    the other class is.

    Source: Matthews 1975, "Comparison of the predicted and observed secondary
    structure of T4 phage lysozyme".

    Args:
        labels: 0 or 1, `(n,)`.
        predictions: 0 or 1, `(n,)`.

    Returns:
        float; 0 if either holds one class alone, as scikit-learn's.

    >>> matthews_correlation([0, 0, 1, 1], [0, 0, 1, 1])
    1.0

    Raises:
        ValueError: as `confusion_matrix`.
    """
    # As float: the product of four counts leaves int64 behind.
    (tn, fp), (fn, tp) = confusion_matrix(
        labels, predictions, num_classes=2
    ).astype("float64")
    square = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return float((tp * tn - fp * fn) / math.sqrt(square)) if square else 0.0


def spearman(labels, scores):
    """The correlation of the ranks of labels and scores, in [-1, 1].

    Equal values share the mean of the ranks that they take up.

    Source: Spearman 1904, "The proof and measurement of association between
    two things".

    Args:
        labels: numbers `(n,)`, classes or graded similarities.
        scores: floats `(n,)`.

    Returns:
        float.

    >>> round(spearman([0.0, 0.5, 1.0], [0.2, 0.9, 0.3]), 4)
    0.5

    Raises:
        ValueError: for unequal lengths, numbers that are not finite, and if
            all labels or all scores are equal, so that there is no order.
    """
    labels = np.asarray(labels, "float64").ravel()
    scores = check_scores(scores, len(labels))
    if scores.ndim != 1 or not np.isfinite(labels).all():
        raise ValueError(
            "`spearman` expects finite numbers, a label and a score for each "
            f"example. Received: scores.shape={scores.shape} and "
            f"{np.sum(~np.isfinite(labels))} labels that are not finite."
        )
    for name, values in (("labels", labels), ("scores", scores)):
        if not len(values) or values.min() == values.max():
            raise ValueError(
                f"`spearman` expects {name} of two values or more. Received: "
                f"{len(values)} {name}, all {values[:1].tolist()}."
            )
    first, second = _centred_ranks(labels), _centred_ranks(scores)
    return float(
        first @ second / math.sqrt((first @ first) * (second @ second))
    )


def _centred_ranks(values):
    _, place, counts = np.unique(
        values, return_inverse=True, return_counts=True
    )
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks - (len(values) + 1) / 2
