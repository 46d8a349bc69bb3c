"""What a model says of labelled pairs, and what it decides."""

import numpy as np

from semmatch.evaluation.inputs import check_scores


def score_labelled(model, pairs, who):
    """The labels of pairs and a model's scores.

    Args:
        model: has `score(pairs)`.
        pairs: has `text_a`, `text_b` and `label`.
        who: str, the function that asks, for the messages.

    Returns:
        Labels `(n,)`, int64 if all are whole numbers, and scores, `(n,)` or
        `(n, classes)` of three classes or more: of two, the second counts.
        For graded labels a model that encodes texts gives the similarities
        of their vectors instead, as they are.

    Raises:
        ValueError: without pairs or labels, and as `check_scores`.
    """
    if not len(pairs.text_a):
        raise ValueError(
            f"`{who}` expects at least one pair. Received: {pairs!r}."
        )
    if pairs.label is None:
        raise ValueError(
            f"`{who}` expects pairs with labels. Received: {pairs!r}. "
            "`model.score` scores pairs without."
        )
    labels = np.asarray(pairs.label)
    if np.all(labels == np.round(labels)):
        labels = labels.astype("int64")
    scorer = model.pair_scorer() if hasattr(model, "pair_scorer") else model
    encodes = hasattr(scorer, "encode") and hasattr(scorer, "logits")
    given = scorer.logits if encodes and is_graded(labels) else model.score
    scores = check_scores(given(pairs), len(labels))
    if scores.ndim == 2 and scores.shape[1] == 2:
        scores = scores[:, 1]
    return labels, scores


def is_graded(labels):
    """Whether labels are others than 0 and 1.

    >>> is_graded(np.array([0, 5])), is_graded(np.array([0, 1]))
    (True, False)
    """
    return not np.isin(labels, (0, 1)).all()


def decide(scores, threshold):
    """The predicted classes.

    Args:
        scores: floats, `(n,)` or `(n, classes)`.
        threshold: float, for `(n,)`: from it on class 1 is predicted.

    Returns:
        int64 `(n,)`; of several classes that of the largest score.

    >>> decide(np.array([0.2, 0.7], "float32"), 0.7).tolist()
    [0, 1]
    """
    if scores.ndim == 2:
        return scores.argmax(axis=1)
    # A Python float: compared in float32 where scores are.
    return (scores >= float(threshold)).astype("int64")
