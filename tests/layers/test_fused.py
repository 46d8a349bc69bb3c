"""Compiled functions against the same functions left as they are."""

import numpy as np
import pytest

from semmatch.layers import block_parts
from semmatch.layers.fused import fused
from tests.checks import tensorflow_only

pytestmark = tensorflow_only

RANDOM = np.random.default_rng(0)
SEED = np.array([3, 5])
WIDE = RANDOM.normal(size=(2, 3, 4)).astype("float32")
OTHER = RANDOM.normal(size=(2, 3, 4)).astype("float32")
VECTOR = RANDOM.normal(size=4).astype("float32")
SCORES = RANDOM.normal(size=(2, 2, 3, 3)).astype("float32")
MASK = np.array([[1, 1, 1], [1, 1, 0]], "int32")


def gradients(function, inputs, **static):
    """Outputs, and gradients of their squares."""
    import tensorflow as tf

    inputs = [tf.constant(x) for x in inputs]
    watched = [x for x in inputs if x.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = function(*inputs, **static)
        loss = tf.reduce_sum(outputs**2)
    return [outputs, *tape.gradient(loss, watched)]


@pytest.mark.parametrize("rate", [0.0, 0.4])
@pytest.mark.parametrize(
    ("name", "inputs", "static"),
    [
        ("attention_weights", (SCORES, MASK, SEED), {"scale": 0.5}),
        (
            "add_and_norm",
            (WIDE, OTHER, SEED, VECTOR, VECTOR + 1, VECTOR),
            {"epsilon": 0.1},
        ),
    ],
)
def test_outputs_and_gradients_are_those_of_the_function(
    name, inputs, static, rate
):
    function = getattr(block_parts, name)
    static = {**static, "rate": rate}
    found = gradients(function, inputs, **static)
    expected = gradients(function.__wrapped__, inputs, **static)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("activation", block_parts.ACTIVATIONS)
def test_activations_too(activation):
    function = block_parts.add_and_activate
    static = {"activation": activation}
    found = gradients(function, (WIDE, VECTOR), **static)
    expected = gradients(function.__wrapped__, (WIDE, VECTOR), **static)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_keyword_arguments_are_not_mixed_up():
    @fused()
    def scaled(x, *, factor):
        return x * factor

    for factor in (2.0, 3.0, 2.0):
        outputs, gradient = gradients(scaled, (WIDE,), factor=factor)
        np.testing.assert_allclose(outputs, WIDE * factor, rtol=1e-6)
        np.testing.assert_allclose(gradient, 2 * WIDE * factor**2, rtol=1e-5)
