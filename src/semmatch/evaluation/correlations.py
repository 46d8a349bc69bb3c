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
    labels, scores = _checked(labels, scores, "spearman")
    return _cosine(_centred_ranks(labels), _centred_ranks(scores))


def pearson(labels, scores):
    """The linear correlation of labels and scores, in [-1, 1].

    Source: Pearson 1895, "Note on regression and inheritance in the case of
    two parents".

    Args:
        labels: numbers `(n,)`, classes or graded similarities.
        scores: floats `(n,)`.

    Returns:
        float.

    >>> round(pearson([0.0, 0.5, 1.0], [0.2, 0.9, 0.3]), 4)
    0.1321

    Raises:
        ValueError: as `spearman`.
    """
    labels, scores = _checked(labels, scores, "pearson")
    return _cosine(labels - labels.mean(), scores - scores.mean())


def or_nan(correlation, labels, scores):
    """`spearman` or `pearson`, NaN where labels or scores are all equal.

    >>> or_nan(pearson, np.array([1, 1]), np.array([0.2, 0.7]))
    nan
    """
    constant = labels.min() == labels.max() or scores.min() == scores.max()
    return math.nan if constant else correlation(labels, scores)


def ranks(values):
    """Ranks from 1, float `(n,)`; equal values share the mean of theirs.

    >>> ranks([0.3, 0.9, 0.3]).tolist()
    [1.5, 3.0, 1.5]
    """
    _, place, counts = np.unique(
        values, return_inverse=True, return_counts=True
    )
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _checked(labels, scores, who):
    labels = np.asarray(labels, "float64").ravel()
    scores = check_scores(scores, len(labels)).astype("float64")
    if scores.ndim != 1 or not np.isfinite(labels).all():
        raise ValueError(
            f"`{who}` expects finite numbers, a label and a score for each "
            f"example. Received: scores.shape={scores.shape} and "
            f"{np.sum(~np.isfinite(labels))} labels that are not finite."
        )
    for name, values in (("labels", labels), ("scores", scores)):
        if not len(values) or values.min() == values.max():
            raise ValueError(
                f"`{who}` expects {name} of two values or more. Received: "
                f"{len(values)} {name}, all {values[:1].tolist()}."
            )
    return labels, scores


def _centred_ranks(values):
    return ranks(values) - (len(values) + 1) / 2


def _cosine(a, b):
    # Rounding may lead a hair beyond the range.
    cosine = float(a @ b / math.sqrt((a @ a) * (b @ b)))
    return max(-1.0, min(1.0, cosine))
