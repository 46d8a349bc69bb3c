"""How far scores are the probabilities that they look like."""

import warnings

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.evaluation.inputs import check_labels
from semmatch.evaluation.inputs import check_scores
from semmatch.evaluation.probabilities import check_probabilities

# Temperatures beyond make every score the same number or all 0 and 1.
_LOWEST, _HIGHEST = 0.05, 20.0

# Fewer pairs say little about a probability.
FEW_PAIRS = 50


def expected_calibration_error(labels, scores, *, num_bins=15):
    """The mean distance between confidence and accuracy, in [0, 1].

    Examples are put into bins of equal width by the score of the predicted
    class, with the upper end in the bin; each bin counts by its share of the
    examples.

    Source: Guo et al. 2017, "On calibration of modern neural networks".

    Args:
        labels: integers `(n,)`, the true classes.
        scores: floats in [0, 1]: `(n,)`, the positive class of two, predicted
            from 0.5 on, or `(n, classes)`.
        num_bins: int.

    Returns:
        float; 0 for scores that are right as often as they say.

    >>> expected_calibration_error([0, 1, 1, 1], [0.75] * 4)
    0.0

    Raises:
        ValueError: for no examples, unequal lengths, labels that are no
            classes and scores that are no probabilities.
    """
    num_bins = check_positive_int(num_bins, "num_bins")
    labels, scores = _checked(labels, scores)
    if scores.ndim == 1:
        predicted = scores >= 0.5
        confidence = np.where(predicted, scores, 1 - scores)
    else:
        predicted, confidence = scores.argmax(axis=1), scores.max(axis=1)
    bins = np.ceil(confidence * num_bins).astype("int64")
    gaps = np.bincount(bins, weights=confidence - (predicted == labels))
    return float(np.abs(gaps).sum() / len(labels))


def brier_score(labels, scores):
    """The mean squared distance between scores and truth.

    Source: Brier 1950, "Verification of forecasts expressed in terms of
    probability".

    Args:
        labels: integers `(n,)`, the true classes.
        scores: floats in [0, 1]: `(n,)`, the positive class of two, or `(n,
            classes)`.

    Returns:
        float in [0, 1] for `(n,)`, where the positive class alone counts, and
        in [0, 2] for `(n, classes)`, where all do.

    >>> round(brier_score([1, 0], [0.9, 0.2]), 4)
    0.025

    Raises:
        ValueError: as `expected_calibration_error`.
    """
    labels, scores = _checked(labels, scores)
    if scores.ndim == 1:
        return float(np.mean((scores - labels) ** 2))
    truth = np.eye(scores.shape[1])[labels]
    return float(((scores - truth) ** 2).sum(axis=1).mean())


def fit_temperature(labels, logits):
    """The temperature that makes the labels most likely.

    One number divides all logits: the order of pairs, and of the classes of a
    pair, stays. Logits that get every pair right, and those that are no
    better than chance, have no best one and get an end of the range.

    Source: Guo et al. 2017, "On calibration of modern neural networks".

    Args:
        labels: integers `(n,)`, the true classes.
        logits: floats `(n, classes)`; `(n,)` or `(n, 1)` for the positive
            class of two.

    Returns:
        float in [0.05, 20].

    >>> logits = [10 * np.log(9)] * 100  # as sure as ten times what is right
    >>> round(fit_temperature([1] * 90 + [0] * 10, logits), 3)
    10.0

    Raises:
        ValueError: for no examples, unequal lengths, labels of one class
            alone or that are no classes, and logits that are not finite.
    """
    labels = check_labels(labels, "labels")
    logits = check_scores(logits, len(labels)).astype("float64")
    if logits.ndim == 1:
        logits = np.stack([np.zeros_like(logits), logits], axis=1)
    labels = check_labels(labels, "labels", logits.shape[1])
    if labels.min() == labels.max():
        raise ValueError(
            "`fit_temperature` expects examples of two classes or more. "
            f"Received: {len(labels)} labels, all {labels[0]}."
        )
    if len(labels) < FEW_PAIRS:
        warnings.warn(
            f"A temperature of {len(labels)} pairs is mostly chance: give "
            f"{FEW_PAIRS} pairs or more.",
            stacklevel=2,
        )
    low, high = np.log([1 / _HIGHEST, 1 / _LOWEST])
    # The slope of the loss rises with 1 / temperature, so halving finds the
    # place where it is 0.
    for _ in range(60):
        middle = (low + high) / 2
        if _slope(labels, logits, np.exp(middle)) < 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-middle))


def _slope(labels, logits, factor):
    """Of the mean negative log likelihood, by the factor of the logits."""
    powers = logits * factor
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    expected = (shares * logits).sum(axis=1)
    return np.mean(expected - logits[np.arange(len(labels)), labels])


def _checked(labels, scores):
    """Classes `(n,)` and float64 probabilities `(n,)` or `(n, classes)`."""
    labels = check_labels(labels, "labels")
    scores = check_probabilities(check_scores(scores, len(labels)))
    num_classes = 2 if scores.ndim == 1 else scores.shape[1]
    labels = check_labels(labels, "labels", num_classes)
    return labels, scores.astype("float64")
