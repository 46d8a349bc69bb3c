"""Which texts of a batch mean the same, as the losses of lists are told."""

import keras
from keras import ops


def check_ids(y_true, name):
    """Group ids as a tensor, if they are integers.

    Keras hands them on as floats, so that this goes before.

    Args:
        y_true: what a loss was given.
        name: string, the loss's, for the message.

    Raises:
        ValueError: for floats of 32 bits or less, which are labels or a
            teacher's scores.

    >>> check_ids([0, 1], "info_nce").shape
    TensorShape([2])
    """
    y_true = ops.convert_to_tensor(y_true)
    dtype = keras.backend.standardize_dtype(y_true.dtype)
    # Under `tf.distribute` Keras looks at shapes with means of integers.
    if "int" not in dtype and dtype != "float64":
        raise ValueError(
            f"`{name}` is a loss of lists and takes group ids, integers. "
            f"Received: y_true of dtype {dtype}. For labels of pairs take "
            "`CoSENT`, for a teacher's scores `MarginMSE` or `ListwiseKL`."
        )
    return y_true


def group_ids(y_true, y_pred, name):
    """The group of each text of a batch.

    Args:
        y_true: `(batch, texts)`, or `(batch,)` for the id of all texts of an
            example.
        y_pred: float `(batch, texts, dim)`.
        name: string, the loss's, for the message.

    Returns:
        Ids `(batch, texts)`, and whether each text has its own.

    Raises:
        ValueError: for another shape.

    >>> ids, _ = group_ids(ops.array([4, 7]), ops.ones((2, 3, 8)), "info_nce")
    >>> ids.numpy().tolist()
    [[4, 4, 4], [7, 7, 7]]
    """
    shape, texts = tuple(y_true.shape), y_pred.shape[1]
    if len(shape) == 2 and (shape[1] == texts or None in (shape[1], texts)):
        return y_true, True
    if len(shape) == 1 or shape[1:] == (1,):
        ids = ops.reshape(y_true, (-1, 1))
        return ops.broadcast_to(ids, ops.shape(y_pred)[:2]), False
    raise ValueError(
        f"`{name}` takes a group id for each text, shape (batch, texts), or "
        f"for each example, shape (batch,). Received: y_true of shape {shape} "
        f"and y_pred of shape {tuple(y_pred.shape)}. For a teacher's scores "
        "take `MarginMSE` or `ListwiseKL`."
    )


def check_texts(y_pred, at_least, name, hint):
    """Refuses vectors of fewer texts than a loss of lists compares.

    Args:
        y_pred: float `(batch, texts, dim)`.
        at_least: int.
        name: string, the loss's, for the message.
        hint: string, what to do.

    >>> check_texts(ops.ones((2, 3, 8)), 3, "triplet", "Give negatives.")
    """
    shape = tuple(y_pred.shape)
    if len(shape) != 3 or (shape[1] is not None and shape[1] < at_least):
        raise ValueError(
            f"`{name}` takes vectors of at least {at_least} texts for each "
            f"example, shape (batch, texts, dim). Received: y_pred of shape "
            f"{shape}. {hint}"
        )
