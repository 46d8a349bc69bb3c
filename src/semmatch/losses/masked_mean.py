"""The mean of those places of a row that are not empty."""

from keras import ops


def masked_mean(values, real):
    """The mean of each row over its real places.

    Args:
        values: float `(batch, places)`, finite.
        real: bool `(batch, places)`.

    Returns:
        float `(batch,)`, 0 for a row without real places.

    >>> values = ops.array([[1.0, 3.0, 9.0]])
    >>> masked_mean(values, ops.array([[True, True, False]])).numpy().tolist()
    [2.0]
    """
    total = ops.sum(ops.where(real, values, 0), axis=-1)
    count = ops.sum(ops.cast(real, values.dtype), axis=-1)
    return total / ops.maximum(count, 1)
