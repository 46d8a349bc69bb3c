"""A second run instead of kept activations: same outputs, same gradients."""

import keras
import numpy as np
import pytest

from semmatch.layers import Dropout
from semmatch.layers.recompute import recompute
from tests import checks
from tests.checks import tensorflow_only
from tests.checks import to_numpy


def trained(activation_checkpointing, dtype="float32", **options):
    """All variables, seeds too, after three steps with dropout on."""
    keras.utils.set_random_seed(0)
    encoder = checks.tiny_encoder(
        num_layers=2, dtype=dtype, dropout=0.3, **options
    )
    model = checks.tiny_model(encoder, dropout=0.0, pooling="max")
    model.compile(
        keras.optimizers.SGD(0.03),
        activation_checkpointing=activation_checkpointing,
    )
    before = [to_numpy(variable) for variable in model.variables]
    pairs = checks.toy_pairs(8)
    features = model.preprocessor.pack(pairs.text_a, pairs.text_b)
    for _ in range(3):
        model.train_on_batch(features, pairs.label)
    after = [to_numpy(variable) for variable in model.variables]
    moved = [np.abs(a - b).max() for a, b in zip(before, after, strict=True)]
    assert max(moved) > 0.01
    return after


def assert_same(one, other, atol):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=atol)


@pytest.mark.slow
def test_a_training_with_dropout_is_the_same():
    assert_same(trained(True), trained(False), 1e-6)


@pytest.mark.slow
def test_a_training_in_bfloat16_is_the_same():
    runs = [trained(x, "mixed_bfloat16") for x in (True, False)]
    assert_same(*runs, 5e-3)


def test_integers_and_parts_without_gradient_pass_through():
    layer = keras.layers.Dense(3)
    layer.build((None, 2))

    def function(x, places):
        return layer(x) * keras.ops.cast(places, "float32")

    x, places = np.ones((4, 2), "float32"), np.arange(4)[:, None]
    outputs = to_numpy(recompute(layer, function, x, places))
    np.testing.assert_allclose(outputs, to_numpy(function(x, places)))
    np.testing.assert_array_equal(outputs[0], 0)


@tensorflow_only
def test_the_function_runs_twice_from_the_same_seed():
    import tensorflow as tf

    layer = Dropout(0.5, seed=3)
    seen = []

    def function(x):
        seen.append(to_numpy(layer(x, training=True)))
        return x * seen[-1]

    x = tf.ones((100,))
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = recompute(layer, function, x)
    assert len(seen) == 1
    gradient = tape.gradient(outputs, x)
    assert len(seen) == 2
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(gradient, seen[0])
    recompute(layer, function, x)
    assert (seen[2] != seen[0]).any()


def test_a_backbone_without_our_blocks_is_refused():
    model = checks.tiny_model()
    other = keras.Model(model.backbone.input, model.backbone.output)
    from semmatch.models.text_encoder import set_activation_checkpointing

    set_activation_checkpointing(other, False)
    message = (
        "`activation_checkpointing` is of the blocks of `TextEncoder`. "
        "Received: a backbone of class `Functional`"
    )
    with pytest.raises(ValueError, match=message):
        set_activation_checkpointing(other, True)
