"""Several dropouts of one vector, for a head that is trained on all."""

import keras
from keras import ops

from semmatch._checks import check_positive_int
from semmatch.layers.dropout import Dropout


@keras.saving.register_keras_serializable(package="semmatch")
class MultiSampleDropout(Dropout):
    """Repeats each row in training and drops other values of each copy.

    What comes after it, a head as a rule, sees `samples` rows for each one,
    side by side. Outside training rows stay as they are.

    Source: Inoue 2019, "Multi-sample dropout for accelerated training and
    better generalization".

    Args:
        rate: float in [0, 1), as of `Dropout`.
        samples: int, copies of a row.
        seed: int or None, as of `Dropout`.

    Call arguments:
        inputs: float `(batch, ...)`.
        training: bool.

    Returns:
        `(batch * samples, ...)` in training, else `(batch, ...)`.

    >>> import numpy as np
    >>> layer = MultiSampleDropout(0.1, samples=3)
    >>> layer(np.ones((2, 8)), training=True).shape
    TensorShape([6, 8])
    """

    def __init__(self, rate, samples=5, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        self.samples = check_positive_int(samples, "samples")

    def call(self, inputs, training=False):
        if training and self.samples > 1:
            inputs = ops.repeat(inputs, self.samples, axis=0)
        return super().call(inputs, training=training)

    def compute_output_shape(self, input_shape):
        # Rows are of no known number once they may be repeated.
        return (None, *input_shape[1:])

    def get_config(self):
        return {**super().get_config(), "samples": self.samples}
