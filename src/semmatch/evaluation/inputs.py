"""What every figure asks of labels and scores, with one wording."""

import numpy as np


def check_labels(labels, name, num_classes=None):
    """`labels` as int64 `(n,)`, if they are classes.

    Args:
        labels: bools or integers, `(n,)` or `(n, 1)`.
        name: str, the argument's name in the caller's signature.
        num_classes: int; None admits every class from 0.

    >>> check_labels([[0], [1]], "labels", 2).tolist()
    [0, 1]

    Raises:
        ValueError: if they are empty, not integers, of another shape, or
            outside `[0, num_classes)`.
    """
    labels = _column(np.asarray(labels))
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(
            f"`{name}` must hold one class for each example, shape (n,), and "
            f"at least one. Received: {name}.shape={labels.shape}."
        )
    if labels.dtype.kind not in "biu":
        raise ValueError(
            f"`{name}` must be integers, one class for each example. "
            f"Received: {name}.dtype={labels.dtype}. Whole numbers may be "
            "cast with astype('int64'); graded scores need a cut first."
        )
    labels = labels.astype("int64")
    limit = np.inf if num_classes is None else num_classes
    wrong = np.flatnonzero((labels < 0) | (labels >= limit))
    if wrong.size:
        allowed = "at least 0"
        if num_classes is not None:
            allowed = f"in [0, {num_classes})"
        raise ValueError(
            f"`{name}` must be {allowed}. Received: {name}[{wrong[0]}]="
            f"{labels[wrong[0]]}, and {wrong.size} of {labels.size} such "
            "values. Renumber the classes from 0."
        )
    return labels


def check_scores(scores, num_examples):
    """`scores` as floats `(n,)` or `(n, classes)`, if all are finite.

    float32 stays float32: a threshold of 0.7 must admit the float32 that is
    called 0.7, as it does in a metric during training.

    >>> check_scores([[0.25], [0.5]], 2).tolist()
    [0.25, 0.5]

    Raises:
        ValueError: if their number is not `num_examples`, if one is NaN or
            infinite, or if there are more than two dimensions.
    """
    scores = _column(np.asarray(scores))
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype("float64")
    if scores.ndim not in (1, 2) or (scores.ndim == 2 and not scores.shape[1]):
        raise ValueError(
            "`scores` must have shape (n,), the score of the positive class, "
            f"or (n, classes). Received: scores.shape={scores.shape}."
        )
    if len(scores) != num_examples:
        raise ValueError(
            "`labels` and `scores` must have the same length. Received: "
            f"{num_examples} labels and {len(scores)} scores."
        )
    wrong = np.argwhere(~np.isfinite(scores))
    if len(wrong):
        first = tuple(wrong[0].tolist())
        raise ValueError(
            "`scores` must be finite. Received: "
            f"scores[{', '.join(map(str, first))}]={scores[first]}, and "
            f"{len(wrong)} of {scores.size} such values. A model that gives "
            "them has most often diverged: look at its loss."
        )
    return scores


def check_ranked(labels, scores, who):
    """Labels and scores of a figure about the order of two classes.

    >>> labels, scores = check_ranked([0, 1], [0.2, 0.7], "roc_auc")

    Args:
        labels: 0 or 1, `(n,)`.
        scores: floats `(n,)`.
        who: str, the function that asks, for the messages.

    Raises:
        ValueError: as `check_labels` and `check_scores`, for scores of
            several classes, and if `labels` holds one class alone.
    """
    labels = check_labels(labels, "labels", 2)
    scores = check_scores(scores, len(labels))
    if scores.ndim != 1:
        raise ValueError(
            f"`{who}` expects one score for each example, shape (n,). "
            f"Received: scores.shape={scores.shape}. Pass the column of the "
            "positive class, for instance scores[:, 1]."
        )
    if labels.min() == labels.max():
        raise ValueError(
            f"`{who}` expects examples of both classes, 0 and 1. Received: "
            f"{len(labels)} labels, all {labels[0]}. Evaluate on data that "
            "holds both, or use `confusion_matrix`."
        )
    return labels, scores


def _column(array):
    """`(n, 1)`, what Keras's `predict` gives, as `(n,)`."""
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    return array
