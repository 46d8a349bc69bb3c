"""`Scoring.scores` in Keras operations, for metrics in training."""

from keras import ops

from semmatch.data.distillation_dataset import SMALLEST


def keras_scores(logits, scoring):
    """Scores of logits.

    Args:
        logits: float tensor `(batch, classes)`.
        scoring: `Scoring`.

    Returns:
        float `(batch, 1)` for one logit and for two classes, the positive
        one; else `(batch, classes)`.

    >>> from semmatch import Scoring
    >>> keras_scores(ops.zeros((2, 1)), Scoring("sigmoid")).shape
    TensorShape([2, 1])
    """
    if scoring.activation == "cosine":
        return (1 + ops.clip(logits, -1.0, 1.0)) / 2
    logits = logits / scoring.temperature
    if scoring.activation == "sigmoid":
        return ops.sigmoid(logits + scoring.bias)
    scores = ops.softmax(logits)
    return scores[:, 1:] if logits.shape[-1] == 2 else scores


def keras_target_logits(logits, scoring):
    """`data.distillation_dataset.target_logits` in Keras operations.

    >>> from semmatch import Scoring
    >>> scoring = Scoring("sigmoid", temperature=2.0)
    >>> keras_target_logits(ops.array([[3.0]]), scoring).numpy().tolist()
    [[1.5]]
    """
    if scoring.activation == "cosine":
        scores = ops.clip((1 + logits) / 2, SMALLEST, 1 - SMALLEST)
        return ops.log(scores) - ops.log1p(-scores)
    return logits / scoring.temperature + scoring.bias
