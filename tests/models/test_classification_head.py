"""The head against its formula over the encoder's own outputs."""

import re

import keras
import numpy as np
import pytest

from semmatch.layers import POOLINGS
from semmatch.models import CrossEncoder
from tests.checks import randomise
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import to_numpy

PAIRS = (["怎么取消借款", "还款", "取消"], ["如何还款", "取消", "Hello"])


def poolings(outputs, mask):
    tokens = to_numpy(outputs["sequence_output"])
    rows = zip(tokens, mask.sum(axis=1), strict=True)
    real = [row[:length] for row, length in rows]
    return {
        "cls": tokens[:, 0],
        "mean": np.array([row.mean(axis=0) for row in real]),
        "max": np.array([row.max(axis=0) for row in real]),
        "pooler": to_numpy(outputs["pooled_output"]),
    }


def dense(model, name, inputs):
    kernel, bias = model.get_layer(name).get_weights()
    return inputs @ kernel + bias


@pytest.mark.parametrize("pooling", ["cls", "pooler", "mean", "max"])
@pytest.mark.parametrize(("num_classes", "hidden_dim"), [(1, None), (3, 5)])
def test_logits_are_a_dense_layer_on_the_pooled_tokens(
    pooling, num_classes, hidden_dim
):
    model = tiny_model(
        num_classes=num_classes, pooling=pooling, hidden_dim=hidden_dim
    )
    features = model.preprocessor.pack(*PAIRS)
    outputs = model.backbone(features)
    vector = poolings(outputs, features["padding_mask"])[pooling]
    if hidden_dim is not None:
        randomise(model.get_layer("hidden"), seed=2)
        vector = np.maximum(dense(model, "hidden", vector), 0)
    np.testing.assert_allclose(
        to_numpy(model(features)), dense(model, "head", vector), atol=1e-5
    )


@pytest.mark.parametrize(
    ("pooler", "taken"), [(True, "pooler"), (False, "cls")]
)
def test_the_pooler_is_taken_where_there_is_one(pooler, taken):
    model = tiny_model(tiny_encoder(pooler=pooler))
    assert model.pooling == taken
    explicit = tiny_model(tiny_encoder(pooler=pooler), pooling=taken)
    features = model.preprocessor.pack(*PAIRS)
    np.testing.assert_array_equal(
        to_numpy(model(features)), to_numpy(explicit(features))
    )


@pytest.mark.parametrize(
    ("pooler", "pooling", "choices"),
    [
        (False, "pooler", sorted([*POOLINGS, "first_last"])),
        (True, "first", sorted([*POOLINGS, "first_last", "pooler"])),
    ],
)
def test_other_poolings_are_refused_with_the_choices(pooler, pooling, choices):
    choices = re.escape(str(choices))
    message = f"`pooling` must be one of {choices}. Received: .*{pooling}"
    with pytest.raises(ValueError, match=message):
        tiny_model(tiny_encoder(pooler=pooler), pooling=pooling)


def test_dropout_is_felt_in_training_alone():
    encoder = tiny_encoder(dropout=0.0, attention_dropout=0.0)
    model = tiny_model(encoder, dropout=0.5)
    features = model.preprocessor.pack(*PAIRS)
    still = to_numpy(model(features))
    assert np.abs(to_numpy(model(features, training=True)) - still).max() > 0.01
    np.testing.assert_array_equal(to_numpy(model(features)), still)


@pytest.mark.parametrize("pooling", ["cls", "pooler", "mean", "max"])
def test_logits_are_float32_whatever_the_encoder_computes_in(pooling):
    encoder = tiny_encoder(dtype="mixed_bfloat16")
    model = tiny_model(encoder, pooling=pooling, hidden_dim=4)
    features = model.preprocessor.pack(*PAIRS)
    dtype = keras.backend.standardize_dtype(model(features).dtype)
    assert dtype == "float32"


def test_the_kernel_starts_as_berts():
    model = CrossEncoder(tiny_encoder(hidden_dim=200), num_classes=3)
    kernel, bias = model.get_layer("head").get_weights()
    assert 0.015 < kernel.std() < 0.02
    assert not bias.any()


def test_a_pooler_that_is_not_asked_for_is_not_trained():
    model = tiny_model(pooling="mean")
    names = [variable.path for variable in model.trainable_weights]
    assert not [name for name in names if name.startswith("pooler")]
    names = [variable.path for variable in tiny_model().trainable_weights]
    assert [name for name in names if name.startswith("pooler")]
