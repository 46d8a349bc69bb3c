"""How the learning rate changes over a training."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="semmatch")
class LinearWarmup(keras.optimizers.schedules.LearningRateSchedule):
    """Rises from 0 to the peak in a line, then falls to 0 in a line.

    Source: Devlin et al. 2018, BERT, appendix A.2.

    Args:
        peak: float, the highest learning rate.
        total_steps: int, optimizer steps of the whole training.
        warmup: float in [0, 1), the share of the steps that rise.

    >>> rate = LinearWarmup(1.0, total_steps=10, warmup=0.2)
    >>> [round(float(rate(step)), 3) for step in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """

    def __init__(self, peak, total_steps, warmup=0.1):
        if not peak > 0:
            raise ValueError(f"`peak` must be above 0. Received: peak={peak}.")
        if total_steps < 1:
            raise ValueError(
                "`total_steps` must be at least 1: steps an epoch times "
                f"epochs. Received: total_steps={total_steps}."
            )
        if not 0 <= warmup < 1:
            raise ValueError(
                "`warmup` must be in [0, 1), a share of the steps. Received: "
                f"warmup={warmup}."
            )
        self.peak = peak
        self.total_steps = total_steps
        self.warmup = warmup

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising = max(1, round(self.total_steps * self.warmup))
        falling = max(1, self.total_steps - rising)
        # The first step would train nothing at a rate of 0.
        up = (step + 1) / rising
        down = (self.total_steps - step) / falling
        return self.peak * ops.clip(ops.minimum(up, down), 0.0, 1.0)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup": self.warmup,
        }
