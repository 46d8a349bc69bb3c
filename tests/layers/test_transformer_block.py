"""The block against BERT's in plain numpy."""

import keras
import numpy as np
import pytest

from semmatch.layers import ACTIVATIONS
from semmatch.layers import TransformerBlock
from tests import checks
from tests.checks import json_round_trip
from tests.checks import to_numpy
from tests.layers import numpy_bert

LENGTHS = [3, 7, 1]


def make_block(num_heads=2, **kwargs):
    block = TransformerBlock(8, num_heads, 12, **kwargs)
    block.build((None, None, 8))
    checks.randomise(block)
    return block


def inputs():
    tokens = np.random.default_rng(1).normal(size=(3, 7, 8)).astype("float32")
    mask = (np.arange(7) < np.array(LENGTHS)[:, None]).astype("int32")
    return tokens, mask


def weights_of(block):
    layers = {layer.name: layer for layer in block._flatten_layers()}

    def find(layer, parameter):
        variable = getattr(layers[layer], parameter)
        return to_numpy(variable).astype("float64")

    return find


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("num_heads", "epsilon"), [(2, 1e-12), (4, 0.3)])
def test_it_is_berts(activation, num_heads, epsilon):
    block = make_block(
        num_heads, activation=activation, layer_norm_epsilon=epsilon
    )
    tokens, mask = inputs()
    expected = numpy_bert.bert_block(
        weights_of(block), tokens, mask, num_heads, activation, epsilon
    )
    outputs = to_numpy(block(tokens, mask))
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_padding_changes_no_real_token():
    checks.assert_padding_changes_nothing(make_block(), inputs()[0])


def test_outside_training_nothing_is_dropped():
    tokens, mask = inputs()
    block = make_block(dropout=0.5, attention_dropout=0.5)
    plain = make_block(dropout=0.0, attention_dropout=0.0)
    expected = to_numpy(plain(tokens, mask))
    np.testing.assert_array_equal(to_numpy(block(tokens, mask)), expected)
    np.testing.assert_allclose(
        to_numpy(plain(tokens, mask, training=True)), expected, atol=1e-5
    )


@pytest.mark.parametrize(
    ("options", "silenced"),
    [
        ({"dropout": 0.5, "attention_dropout": 0}, "output"),
        ({"dropout": 0.5, "attention_dropout": 0}, "attention_output"),
        ({"dropout": 0, "attention_dropout": 0.5}, "output"),
    ],
)
def test_training_drops_in_each_part(options, silenced):
    # A part whose outputs are zeros has nothing to drop.
    block = make_block(**options)
    for layer in block._flatten_layers():
        if layer.name == silenced:
            for variable in layer.weights:
                variable.assign(np.zeros(variable.shape))
    tokens, mask = inputs()
    expected = to_numpy(block(tokens, mask))
    outputs = to_numpy(block(tokens, mask, training=True))
    assert np.abs(outputs - expected).max() > 0.01


def test_attention_dropout_alone_spares_the_feed_forward_part():
    block = make_block(dropout=0, attention_dropout=0.5)
    for variable in block.attention_output.weights:
        variable.assign(np.zeros(variable.shape))
    tokens, mask = inputs()
    np.testing.assert_allclose(
        to_numpy(block(tokens, mask, training=True)),
        to_numpy(block(tokens, mask)),
        atol=1e-5,
    )


def test_mixed_bfloat16_computes_in_bfloat16_on_float32_weights():
    tokens, mask = inputs()
    block = make_block(dtype="mixed_bfloat16")
    outputs = block(tokens, mask)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert {variable.dtype for variable in block.trainable_weights} == {
        "float32"
    }
    expected = to_numpy(make_block()(tokens, mask))
    real = mask == 1
    error = to_numpy(keras.ops.cast(outputs, "float32")) - expected
    # bfloat16 keeps 8 bits; values are of about 1.
    assert np.abs(error[real]).max() < 0.1


def test_training_computes_what_lora_adds():
    block = make_block(dropout=0, attention_dropout=0)
    tokens, mask = inputs()
    before = to_numpy(block(tokens, mask))
    for dense in (block.attention_output, block.intermediate, block.query):
        dense.enable_lora(2)
        dense.lora_kernel_b.assign(np.ones(dense.lora_kernel_b.shape))
    expected = to_numpy(block(tokens, mask))
    assert np.abs(expected - before).max() > 0.01
    outputs = to_numpy(block(tokens, mask, training=True))
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


@pytest.mark.slow
def test_a_quantised_block_runs_in_training_too():
    block = make_block(dropout=0, attention_dropout=0)
    for layer in block._flatten_layers():
        if isinstance(layer, keras.layers.Dense):
            layer.quantize("int8")
    tokens, mask = inputs()
    np.testing.assert_allclose(
        to_numpy(block(tokens, mask, training=True)),
        to_numpy(block(tokens, mask)),
        atol=1e-5,
    )


def test_the_config_gives_the_same_block_back():
    block = TransformerBlock(
        8,
        2,
        12,
        activation="relu",
        dropout=0.2,
        attention_dropout=0.3,
        layer_norm_epsilon=1e-6,
        name="block",
        dtype="mixed_bfloat16",
    )
    again = json_round_trip(block)
    assert again.get_config() == block.get_config()
    assert again.attention_weights_dropout.rate == 0.3
    assert again.feed_forward_dropout.rate == 0.2
    assert again.output_norm.epsilon == 1e-6
    assert again.query.dtype_policy.name == "mixed_bfloat16"


def test_heads_must_divide_the_width():
    message = (
        r"`num_heads` must divide `hidden_dim`. Received: hidden_dim=8, "
        r"num_heads=3"
    )
    with pytest.raises(ValueError, match=message):
        TransformerBlock(8, 3, 12)


def test_an_unknown_activation_is_refused_with_the_choices():
    message = (
        r"`activation` must be one of \['gelu', 'gelu_tanh', 'relu'\]. "
        r"Received: activation='swish'"
    )
    with pytest.raises(ValueError, match=message):
        TransformerBlock(8, 2, 12, activation="swish")


def test_padding_is_left_out_in_float16_too():
    outputs = []
    for dtype in ("float32", "mixed_float16"):
        block = TransformerBlock(8, 2, 16, dtype=dtype)
        tokens = np.random.default_rng(0).normal(size=(2, 5, 8))
        mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
        block(tokens, mask)
        checks.randomise(block)
        outputs.append(np.asarray(block(tokens, mask), "float32"))
        tokens[0, 3:] += 1
        again = np.asarray(block(tokens, mask), "float32")
        np.testing.assert_array_equal(again[0, :3], outputs[-1][0, :3])
    np.testing.assert_allclose(outputs[1], outputs[0], atol=0.02)
