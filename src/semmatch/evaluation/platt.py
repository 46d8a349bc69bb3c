"""From similarities to probabilities."""

import warnings

import numpy as np

from semmatch.evaluation.calibration import FEW_PAIRS
from semmatch.evaluation.inputs import check_labels
from semmatch.evaluation.inputs import check_scores


def fit_platt(labels, similarities):
    """Slope and bias that make `sigmoid(slope * s + bias)` a probability.

    Source: Platt 1999, "Probabilistic outputs for support vector machines",
    with his targets, which keep the slope finite where a threshold gets every
    pair right.

    Args:
        labels: integers `(n,)`, 0 and 1.
        similarities: floats `(n,)`.

    Returns:
        Two floats, the slope above 0.

    Raises:
        ValueError: for no examples, unequal lengths, several columns, labels
            of one class alone, and similarities that do not rise with the
            labels.

    >>> slope, bias = fit_platt([0] * 50 + [1] * 50, [0.4] * 50 + [0.6] * 50)
    >>> round(-bias / slope, 3)  # where the score is 0.5
    0.5
    """
    labels = check_labels(labels, "labels", 2)
    similarities = check_scores(similarities, len(labels)).astype("float64")
    if similarities.ndim != 1:
        raise ValueError(
            "`fit_platt` expects one similarity for each example, shape (n,). "
            f"Received: similarities.shape={similarities.shape}."
        )
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise ValueError(
            "`fit_platt` expects examples of two classes. Received: "
            f"{len(labels)} labels, all {labels[0]}."
        )
    if similarities[labels == 1].mean() <= similarities[labels == 0].mean():
        raise ValueError(
            "Pairs that match must be more similar on average than those that "
            "do not. Received: means of "
            f"{similarities[labels == 1].mean():.4f} and "
            f"{similarities[labels == 0].mean():.4f}. 1 is for a match; train "
            "the model first."
        )
    if len(labels) < FEW_PAIRS:
        warnings.warn(
            f"A probability of {len(labels)} pairs is mostly chance: give "
            f"{FEW_PAIRS} pairs or more.",
            stacklevel=2,
        )
    targets = np.where(
        labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2)
    )
    # Around their mean and in units of their spread, for Newton's steps.
    mean, spread = similarities.mean(), similarities.std()
    columns = np.stack(
        [(similarities - mean) / spread, np.ones(len(labels))], axis=1
    )
    # Where Platt starts as well.
    start = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    weights = _lowest(columns, targets, start)
    slope = weights[0] / spread
    return float(slope), float(weights[1] - slope * mean)


def _lowest(columns, targets, weights):
    """Newton's steps to the weights under which targets are most likely."""
    loss = _loss(columns, targets, weights)
    for _ in range(100):
        shares = 1 / (1 + np.exp(-np.clip(columns @ weights, -500, 500)))
        gradient = columns.T @ (shares - targets)
        curvature = (columns.T * (shares * (1 - shares))) @ columns
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        # With few of one class or values far out a whole step may lead away
        # (Lin, Lin and Weng 2007).
        while np.abs(step).max() > 1e-10:
            found = _loss(columns, targets, weights - step)
            if found < loss:
                break
            step = step / 2
        else:
            break
        weights, loss = weights - step, found
    return weights


def _loss(columns, targets, weights):
    """The negative log likelihood of shares in [0, 1]."""
    logits = columns @ weights
    return np.sum(np.logaddexp(0, logits) - targets * logits)
