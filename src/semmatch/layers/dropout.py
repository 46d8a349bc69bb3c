"""Dropout whose mask is a function of a seed."""

import math

import keras
from keras import ops

from semmatch.layers.fused import fused


@keras.saving.register_keras_serializable(package="semmatch")
class Dropout(keras.layers.Layer):
    """Sets values to zero at random while training.

    The random bits are a hash of the seed and of the place of a value, the
    same on every backend. On TensorFlow the mask is computed again for the
    gradient instead of being kept.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural
    networks from overfitting".

    Args:
        rate: float in [0, 1), the share of values set to zero, rounded to a
            multiple of 2**-32.
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
        return _fused_dropout(
            inputs, self.seed_generator.next(), rate=self.rate
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def dropout(inputs, seed, *, rate):
    """Sets values to zero where the seed says so, and scales the others.

    Args:
        inputs: float tensor of any shape.
        seed: integer `(2,)`, of `keras.random.SeedGenerator.next`.
        rate: float in [0, 1).

    Returns:
        A tensor like `inputs`, the same one for the same seed.

    >>> import numpy as np
    >>> np.asarray(dropout(np.ones(8), np.array([0, 1]), rate=0.5)).shape
    (8,)
    """
    threshold = round(rate * 2**32)
    if threshold == 0:
        return inputs
    keep = random_bits(ops.shape(inputs), seed) >= _uint32(threshold)
    scale = ops.cast(2**32 / (2**32 - threshold), inputs.dtype)
    return ops.where(keep, inputs * scale, ops.zeros((), inputs.dtype))


_fused_dropout = fused()(dropout)


def random_bits(shape, seed):
    """Uniform uint32, each a hash of the seed and of its place.

    The rounds are those of Wellons' "triple32", the least biased of the
    known short hashes of 32 bits; the second half of the seed goes in
    between, so that no two seeds give shifted copies of one sequence.

    Source: Wellons 2018, "Prospecting for hash functions".

    Args:
        shape: ints or scalar tensors.
        seed: integer `(2,)`.

    Returns:
        uint32 of that shape.

    >>> import numpy as np
    >>> np.asarray(random_bits((2, 3), np.array([1, 2]))).dtype
    dtype('uint32')
    """
    seed = ops.cast(seed, "uint32")
    bits = ops.cast(ops.arange(math.prod(shape), dtype="int32"), "uint32")
    # Seeds count up in their second half: both are spread over all bits.
    bits = bits + seed[0] * _uint32(0x9E3779B1)
    bits = _mixed(bits, 17, 0xED5AD4BB)
    bits = bits ^ _mixed(seed[1] * _uint32(0x85EBCA77), 15, 0xC2B2AE3D)
    bits = _mixed(bits, 11, 0xAC4C1B51)
    bits = _mixed(bits, 15, 0x31848BAB)
    return ops.reshape(bits ^ ops.right_shift(bits, _uint32(14)), shape)


def _mixed(bits, shift, factor):
    return (bits ^ ops.right_shift(bits, _uint32(shift))) * _uint32(factor)


def _uint32(value):
    return ops.convert_to_tensor(value, "uint32")
