"""Several losses of the same vectors at once."""

import keras

from semmatch._checks import check_positive


@keras.saving.register_keras_serializable(package="semmatch")
class LossSum(keras.losses.Loss):
    """The weighted sum of losses that take the same labels.

    Each is called as it would be alone, with its own reduction and what it
    makes of the weights of examples.

    Args:
        losses: list of `keras.losses.Loss`, of one reduction.
        weights: list of floats, one for each; None for 1 each.
        name: string.

    Call arguments:
        y_true: what all of the losses take.
        y_pred: float `(batch, texts, dim)`.

    >>> from semmatch.losses import CosineMSE
    >>> embeddings = [[[1.0, 0.0], [0.0, 1.0]]]
    >>> loss = LossSum([CosineMSE(), CosineMSE("dot")], weights=[1.0, 0.5])
    >>> float(loss([1.0], embeddings))  # 1 + 1 / 2
    1.5
    """

    def __init__(self, losses, weights=None, name="loss_sum"):
        losses = list(losses)
        for loss in losses:
            check_is_loss(loss, "losses")
        reductions = {loss.reduction for loss in losses}
        if len(reductions) != 1:
            raise ValueError(
                "`losses` must hold at least one loss, and all must have one "
                f"reduction. Received: {len(losses)} losses with reductions "
                f"{sorted(map(str, reductions))}."
            )
        super().__init__(name, reduction=losses[0].reduction)
        self.losses = losses
        self.weights = checked_weights(weights, len(losses), "losses")
        self.batch_level = any(
            getattr(loss, "batch_level", False) for loss in losses
        )

    @property
    def label_range(self):
        """The labels that all of the losses can learn, lowest and highest."""
        ranges = [label_range(loss) for loss in self.losses]
        lows, highs = zip(*ranges, strict=True)
        return max(lows), min(highs)

    def __call__(self, y_true, y_pred, sample_weight=None):
        return sum(
            weight * loss(y_true, y_pred, sample_weight)
            for loss, weight in zip(self.losses, self.weights, strict=True)
        )

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            "losses": [serialize(loss) for loss in self.losses],
            "weights": self.weights,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        deserialize = keras.saving.deserialize_keras_object
        losses = [deserialize(loss) for loss in config["losses"]]
        return cls(**{**config, "losses": losses})


def check_is_loss(loss, name):
    """Refuses what is no loss, such as its name.

    >>> check_is_loss(keras.losses.MeanSquaredError(), "loss")
    """
    if not isinstance(loss, keras.losses.Loss):
        raise ValueError(
            f"`{name}` takes objects such as `semmatch.losses.CoSENT()`. "
            f"Received: {loss!r}."
        )


def checked_weights(weights, count, of):
    """A weight for each of `count` things, 1 each for None.

    >>> checked_weights(None, 2, "dims")
    [1.0, 1.0]
    """
    weights = [1.0] * count if weights is None else list(weights)
    if len(weights) != count:
        raise ValueError(
            f"`weights` must be one number for each of `{of}`, {count}. "
            f"Received: weights={weights}."
        )
    return [check_positive(weight, "weights") for weight in weights]


def label_range(loss):
    """The lowest and the highest label that a loss can learn.

    >>> label_range(keras.losses.MeanSquaredError())
    (-inf, inf)
    """
    return getattr(loss, "label_range", (-float("inf"), float("inf")))
