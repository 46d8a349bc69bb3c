"""What a loss of scored pairs is given: a label for each, and weights."""

from keras import ops


def pair_labels(y_true, y_pred, name):
    """The labels of pairs, once they are seen to be of pairs.

    Args:
        y_true: `(batch,)` or `(batch, 1)`.
        y_pred: float `(batch, texts, dim)`.
        name: string, the loss's, for the messages.

    Returns:
        `(batch,)`.

    Raises:
        ValueError: for the labels of lists, and for vectors of one text.

    >>> pair_labels(ops.array([1, 0]), ops.ones((2, 2, 4)), "cosent").shape
    TensorShape([2])
    """
    shape = tuple(y_pred.shape)
    if len(shape) != 3 or (shape[1] is not None and shape[1] < 2):
        raise ValueError(
            f"`{name}` compares the two texts of a pair and takes their "
            f"vectors, shape (batch, 2, dim). Received: y_pred of shape "
            f"{shape}. Pack both texts into one row, as `pair_dataset` does."
        )
    y_true = ops.convert_to_tensor(y_true)
    shape = tuple(y_true.shape)
    if len(shape) != 1 and shape[1:] != (1,):
        raise ValueError(
            f"`{name}` is a loss of scored pairs and takes one label for "
            f"each, shape (batch,). Received: y_true of shape {shape}, as "
            "data of lists have. For these take `InfoNCE`, `Triplet`, "
            "`MarginMSE` or `ListwiseKL`."
        )
    return ops.reshape(y_true, (-1,))


def with_weights(y_true, sample_weight):
    """Labels that bring the weights of pairs into a loss's `call`.

    Keras multiplies values by weights after `call`, when the pairs of a
    batch have been compared already.

    >>> with_weights([1, 0], None)
    [1, 0]
    """
    if sample_weight is None:
        return y_true
    return {"labels": y_true, "weights": sample_weight}


def labels_and_weights(y_true, y_pred, name):
    """What `with_weights` has put together.

    Args:
        y_true: its result.
        y_pred: as of `pair_labels`.
        name: as of `pair_labels`.

    Returns:
        Labels `(batch,)`, and weights `(batch,)` or None.

    >>> labels_and_weights(ops.array([1, 0]), ops.ones((2, 2, 4)), "x")[1]
    """
    if not isinstance(y_true, dict):
        return pair_labels(y_true, y_pred, name), None
    labels = pair_labels(y_true["labels"], y_pred, name)
    weights = ops.convert_to_tensor(y_true["weights"])
    return labels, ops.reshape(weights, (-1,))
