"""Gradients on whichever backend the tests run."""

import importlib

import keras
import numpy as np

from tests.checks import to_numpy


def gradient(function, x):
    """Of a function of one float32 array to a scalar, as an array."""
    x = np.asarray(x, "float32")
    if keras.config.backend() == "jax":
        return np.asarray(importlib.import_module("jax").grad(function)(x))
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return to_numpy(tape.gradient(y, x))


def compiled_gradient(function):
    """Of a function of labels and float32 vectors to a scalar.

    Returns:
        A function of both to the value and the gradient of the vectors. It is
        compiled once for all arrays of one shape, which the tests of many
        arrays need to be fast.
    """
    if keras.config.backend() == "jax":
        jax = importlib.import_module("jax")
        run = jax.jit(jax.value_and_grad(function, argnums=1))
        return lambda y, x: run(y, np.asarray(x, "float32"))
    import tensorflow as tf

    @tf.function
    def run(y, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(y, x)
        return value, tape.gradient(value, x)

    return lambda y, x: run(
        tf.convert_to_tensor(y), tf.convert_to_tensor(x, "float32")
    )
