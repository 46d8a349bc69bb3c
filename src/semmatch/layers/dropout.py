"""Dropout that spends as little as it can on random numbers."""

import keras
from keras import ops

# A fraction of 2**16 is drawn for each value: 16 random bits instead of the
# 32 of a float, and no conversion to one.
_LEVELS = 2**16


@keras.saving.register_keras_serializable(package="semmatch")
class Dropout(keras.layers.Layer):
    """Sets values to zero at random while training.

    On TensorFlow each value costs 16 random bits, about half the time of
    `keras.layers.Dropout`; other backends use Keras's own. The rate is
    rounded to a multiple of 2**-16 and the kept values are scaled by exactly
    that rate, so the expectation is unchanged.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural
    networks from overfitting".

    Args:
        rate: float in [0, 1), the share of values set to zero.
        seed: int or None; None draws one.

    Call arguments:
        inputs: float tensor of any shape.
        training: bool; outside training the inputs are returned as they are.

    >>> import numpy as np
    >>> layer = Dropout(0.5, seed=0)
    >>> kept = np.asarray(layer(np.ones((4, 1000)), training=True))
    >>> sorted(set(kept.ravel().tolist()))
    [0.0, 2.0]
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(
                "`rate` must be in [0, 1): the share of values that are set "
                f"to zero. Received: rate={rate}."
            )
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        if keras.config.backend() != "tensorflow":
            return keras.random.dropout(
                inputs, self.rate, seed=self.seed_generator
            )
        dropped = round(self.rate * _LEVELS)
        keep = _random_uint16(ops.shape(inputs), self.seed_generator) >= dropped
        scale = _LEVELS / (_LEVELS - dropped)
        return ops.where(keep, inputs * ops.cast(scale, inputs.dtype), 0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def _random_uint16(shape, seed_generator):
    import tensorflow as tf

    size = tf.reduce_prod(shape)
    pairs = tf.random.stateless_uniform(
        [(size + 1) // 2],
        seed=tf.cast(seed_generator.next(), tf.int32),
        minval=None,
        maxval=None,
        dtype=tf.int32,
    )
    bits = tf.reshape(tf.bitcast(pairs, tf.uint16), [-1])[:size]
    return tf.reshape(bits, shape)
