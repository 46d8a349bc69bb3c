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
