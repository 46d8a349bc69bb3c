"""How every metric reads a batch."""

from keras import ops


def read_batch(y_true, y_pred, sample_weight, who):
    """The labels, scores and weights of a batch in one form each.

    Args:
        y_true: classes, `(batch,)` or `(batch, 1)`, of any type.
        y_pred: scores, `(batch,)`, `(batch, 1)` or `(batch, classes)`.
        sample_weight: `(batch,)`, `(batch, 1)`, one number, or None.
        who: str, the metric's class, for the messages.

    Returns:
        int32 `(batch,)`, float32 `(batch,)` or `(batch, classes)`, and
        float32 `(batch,)`.

    >>> batch = read_batch([[1]], [[0.5]], None, "F1")
    >>> [tensor.tolist() for tensor in map(ops.convert_to_numpy, batch)]
    [[1], [0.5], [1.0]]

    Raises:
        ValueError: for other shapes, as far as they are known in a graph.
    """
    labels = _column(ops.convert_to_tensor(y_true))
    scores = _column(ops.convert_to_tensor(y_pred))
    if len(labels.shape) != 1:
        raise ValueError(
            f"`{who}` expects one class for each example, y_true of shape "
            f"(batch,) or (batch, 1). Received: y_true.shape="
            f"{tuple(labels.shape)}. Turn one-hot labels into classes with "
            "argmax."
        )
    if len(scores.shape) not in (1, 2):
        raise ValueError(
            f"`{who}` expects y_pred of shape (batch,), (batch, 1) or "
            f"(batch, classes). Received: y_pred.shape={tuple(scores.shape)}."
        )
    # Lengths of 1 and n would otherwise be broadcast without a word.
    if None not in (labels.shape[0], scores.shape[0]) and (
        labels.shape[0] != scores.shape[0]
    ):
        raise ValueError(
            f"`{who}` expects as many labels as scores. Received: "
            f"y_true.shape={tuple(labels.shape)}, "
            f"y_pred.shape={tuple(scores.shape)}."
        )
    labels = ops.cast(labels, "int32")
    weights = ops.ones_like(labels, dtype="float32")
    if sample_weight is not None:
        given = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
        weights = weights * _column(given)
    return labels, ops.cast(scores, "float32"), weights


def _column(tensor):
    """`(batch, 1)` as `(batch,)`."""
    if len(tensor.shape) == 2 and tensor.shape[1] == 1:
        return tensor[:, 0]
    return tensor
