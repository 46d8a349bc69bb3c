"""Weights of losses: numbers, or schedules of the step."""

import keras


def check_loss_weights(hard, soft, matches):
    """Refuses weights with which nothing is learnt.

    Args:
        hard: float of at least 0, or a
            `keras.optimizers.schedules.LearningRateSchedule`.
        soft: the same.
        matches: list of what is matched besides.

    >>> check_loss_weights(0.5, 0.5, [])
    """
    for name, weight in {"hard": hard, "soft": soft}.items():
        if not is_schedule(weight) and not 0 <= weight < float("inf"):
            raise ValueError(
                f"`{name}_loss_weight` must be a finite number of at least 0, "
                "or a schedule of `keras.optimizers.schedules`. Received: "
                f"{name}_loss_weight={weight!r}."
            )
    if not matches and hard == 0 and soft == 0:
        raise ValueError(
            "With `hard_loss_weight=0`, `soft_loss_weight=0` and no `matches` "
            "there is nothing to learn. Give one of them a weight."
        )


def is_schedule(weight):
    """Whether a weight changes with the step."""
    return isinstance(weight, keras.optimizers.schedules.LearningRateSchedule)


def weight_at(weight, step):
    """A weight at a step, a number or a scalar tensor.

    >>> weight_at(0.5, 3)
    0.5
    """
    return weight(step) if is_schedule(weight) else weight
