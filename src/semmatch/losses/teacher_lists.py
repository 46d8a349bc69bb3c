"""What the losses of lists that a teacher has scored are given."""

from semmatch.losses.group_ids import check_texts


def check_teacher_scores(y_true, y_pred, name):
    """Refuses what is not a score of the positive and of each negative.

    Args:
        y_true: float `(batch, 1 + negatives)`.
        y_pred: float `(batch, 2 + negatives, dim)`.
        name: string, the loss's, for the messages.

    Raises:
        ValueError: for other shapes.

    >>> import numpy as np
    >>> check_teacher_scores(np.ones((2, 3)), np.ones((2, 4, 8)), "margin_mse")
    """
    check_texts(
        y_pred, 3, name, "Give query, positive and at least one negative."
    )
    shape, texts = tuple(y_true.shape), y_pred.shape[1]
    known = texts is not None and shape[1:] != (None,)
    if len(shape) != 2 or (known and shape[1] != texts - 1):
        raise ValueError(
            f"`{name}` takes the teacher's scores of the positive and of each "
            "negative, shape (batch, texts - 1). Received: y_true of shape "
            f"{shape} and y_pred of shape {tuple(y_pred.shape)}. For group "
            "ids take `InfoNCE` or `Triplet`, for labels of pairs `CoSENT`."
        )
