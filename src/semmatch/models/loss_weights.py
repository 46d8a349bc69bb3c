"""Weights of losses: numbers, or schedules of the step."""

import keras


def weights_of_losses(hard, soft, matches):
    """The weight of each loss that has one.

    Args:
        hard: float of at least 0, or a
            `keras.optimizers.schedules.LearningRateSchedule`.
        soft: the same.
        matches: list of `MatchedLayers`.

    Returns:
        A dict from a loss's name to its weight.

    Raises:
        ValueError: for weights with which nothing is learnt.

    >>> weights_of_losses(0.5, 0, [])
    {'hard_loss': 0.5}
    """
    weights = {"hard_loss": hard, "soft_loss": soft}
    for name, weight in weights.items():
        if not is_schedule(weight) and not 0 <= weight < float("inf"):
            raise ValueError(
                f"`{name}_weight` must be a finite number of at least 0, or a "
                "schedule of `keras.optimizers.schedules`. Received: "
                f"{name}_weight={weight!r}."
            )
    weights = {name: weight for name, weight in weights.items() if weight != 0}
    weights |= {one.name: one.match.weight for one in matches}
    if not weights:
        raise ValueError(
            "With `hard_loss_weight=0`, `soft_loss_weight=0` and no `matches` "
            "there is nothing to learn. Give one of them a weight."
        )
    return weights


def is_schedule(weight):
    """Whether a weight changes with the step."""
    return isinstance(weight, keras.optimizers.schedules.LearningRateSchedule)


def weight_at(weight, step):
    """A weight at a step, a number or a scalar tensor.

    >>> weight_at(0.5, 3)
    0.5
    """
    return weight(step) if is_schedule(weight) else weight
