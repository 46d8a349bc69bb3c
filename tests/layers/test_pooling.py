"""Each pooling against its formula in numpy."""

import keras
import numpy as np
import pytest

from semmatch.layers import AttentionPooling
from semmatch.layers import ClsPooling
from semmatch.layers import LastTokenPooling
from semmatch.layers import MaxPooling
from semmatch.layers import MeanPooling
from semmatch.layers import MeanSqrtPooling
from semmatch.layers import POOLINGS
from semmatch.layers import WeightedMeanPooling
from tests.checks import assert_padding_changes_nothing
from tests.checks import json_round_trip
from tests.checks import to_numpy

FORMULAS = {
    ClsPooling: lambda real: real[0],
    MeanPooling: lambda real: real.mean(axis=0),
    MaxPooling: lambda real: real.max(axis=0),
    MeanSqrtPooling: lambda real: real.sum(axis=0) / len(real) ** 0.5,
    WeightedMeanPooling: lambda real: np.average(
        real, axis=0, weights=range(1, len(real) + 1)
    ),
    LastTokenPooling: lambda real: real[-1],
}
LENGTHS = [1, 4, 6]


def tokens(seed=0):
    # Below 0, so that a padded 0 would win a maximum.
    generator = np.random.default_rng(seed)
    return (generator.normal(size=(3, 6, 5)) - 5).astype("float32")


def mask():
    return (np.arange(6) < np.array(LENGTHS)[:, None]).astype("int32")


@pytest.mark.parametrize("pooling", FORMULAS)
def test_it_equals_the_formula_over_the_real_tokens(pooling):
    outputs = to_numpy(pooling()(tokens(), mask()))
    rows = zip(tokens(), LENGTHS, strict=True)
    expected = [FORMULAS[pooling](row[:length]) for row, length in rows]
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)


@pytest.mark.parametrize("pooling", FORMULAS)
def test_padding_changes_nothing(pooling):
    assert_padding_changes_nothing(pooling(), tokens())


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        (MeanPooling, 0.0),
        (MaxPooling, np.float32(-3e38)),
        (MeanSqrtPooling, 0.0),
        (WeightedMeanPooling, 0.0),
    ],
)
def test_a_row_of_padding_alone_is_finite(pooling, expected):
    outputs = to_numpy(pooling()(tokens(), np.zeros((3, 6), "int32")))
    np.testing.assert_array_equal(outputs, np.full((3, 5), expected))


def test_of_padding_alone_the_last_token_is_the_first():
    outputs = to_numpy(LastTokenPooling()(tokens(), np.zeros((3, 6), "int32")))
    np.testing.assert_array_equal(outputs, tokens()[:, 0])


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [(MeanPooling, 1.0), (MeanSqrtPooling, 32.0), (WeightedMeanPooling, 1.0)],
)
def test_a_mean_of_bfloat16_is_summed_in_float32(pooling, expected):
    # 300 ones and more: bfloat16 counts no further than 256.
    ones = keras.ops.ones((1, 1024, 2), dtype="bfloat16")
    layer = pooling(dtype="bfloat16")
    outputs = layer(ones, np.ones((1, 1024), "int32"))
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    np.testing.assert_array_equal(to_numpy(outputs), [[expected, expected]])


@pytest.mark.parametrize("pooling", [ClsPooling, MaxPooling, LastTokenPooling])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_others_keep_the_type(pooling, dtype):
    inputs = keras.ops.cast(tokens(), dtype)
    outputs = pooling(dtype=dtype)(inputs, mask())
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype
    assert np.isfinite(to_numpy(keras.ops.cast(outputs, "float32"))).all()


@pytest.mark.parametrize("pooling", FORMULAS)
def test_the_config_gives_the_same_layer_back(pooling):
    layer = pooling(name="pool", dtype="bfloat16")
    again = json_round_trip(layer)
    assert type(again) is pooling
    assert again.get_config() == layer.get_config()


def test_attention_starts_as_the_mean():
    np.testing.assert_allclose(
        to_numpy(AttentionPooling()(tokens(), mask())),
        to_numpy(MeanPooling()(tokens(), mask())),
        rtol=1e-6,
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_attention_equals_its_formula(dtype):
    layer = AttentionPooling(dtype=dtype)
    layer(tokens(), mask())
    query = np.linspace(-1, 1, 5).astype("float32")
    layer.set_weights([query])
    inputs = keras.ops.cast(tokens(), dtype)
    outputs = to_numpy(layer(inputs, mask()))
    assert outputs.dtype == np.float32
    values = to_numpy(keras.ops.cast(inputs, "float32"))
    for row, length, output in zip(values, LENGTHS, outputs, strict=True):
        powers = np.exp(row[:length] @ query)
        expected = powers @ row[:length] / powers.sum()
        np.testing.assert_allclose(output, expected, rtol=1e-5)


def test_attention_to_padding_alone_is_finite():
    layer = AttentionPooling()
    outputs = to_numpy(layer(tokens(), np.zeros((3, 6), "int32")))
    np.testing.assert_allclose(outputs, tokens().mean(axis=1), rtol=1e-5)


def test_every_pooling_has_a_name():
    assert {
        "attention": AttentionPooling,
        "cls": ClsPooling,
        "mean": MeanPooling,
        "max": MaxPooling,
        "mean_sqrt": MeanSqrtPooling,
        "weighted_mean": WeightedMeanPooling,
        "last": LastTokenPooling,
    } == POOLINGS
