"""Pooling, projection and normalisation, text by text."""

import keras
import numpy as np
import pytest

from semmatch.layers import POOLINGS
from semmatch.models import BiEncoder
from tests.checks import tiny_encoder
from tests.models.bi_models import bi_model
from tests.models.bi_models import one_by_one

ACTIVATIONS = {
    None: lambda x: x,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
}
WORDS = ["取消", "", "还款借款怎么", "Hello", "取消"]


def unit(vectors):
    lengths = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    return vectors / np.where(lengths == 0, 1, lengths)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("pooling", [*POOLINGS, "pooler"])
def test_a_vector_is_pooled_whatever_its_batch(pooling, normalize):
    model = bi_model(pooling=pooling, normalize=normalize)
    expected = one_by_one(model, WORDS)
    expected = unit(expected) if normalize else expected
    found = model.encode(WORDS)
    assert (found.shape, found.dtype) == ((5, 8), np.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    if not normalize:
        assert np.abs(np.linalg.norm(found, axis=1) - 1).max() > 0.1


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_projection_comes_after_the_pooling(activation, normalize):
    model = bi_model(
        projection_dim=3, projection_activation=activation, normalize=normalize
    )
    kernel, bias = model.get_layer("projection").get_weights()
    assert kernel.shape == (8, 3)
    expected = ACTIVATIONS[activation](one_by_one(model, WORDS) @ kernel + bias)
    if normalize:
        expected = unit(expected)
    found = model.encode(WORDS)
    assert model.embedding_dim == 3
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_an_activation_may_be_a_function():
    kinds = (keras.activations.tanh, "tanh")
    function, name = (
        bi_model(projection_dim=3, projection_activation=kind, name="same")
        for kind in kinds
    )
    assert function.projection_activation == "tanh"
    np.testing.assert_array_equal(function.encode(WORDS), name.encode(WORDS))


def test_another_pooling_of_the_same_encoder_trains_the_pooler():
    encoder = tiny_encoder(num_layers=1)
    pooler = encoder.get_layer("pooler")
    for pooling in ("mean", "cls"):
        BiEncoder(encoder, pooling=pooling)
        assert not pooler.trainable
    BiEncoder(encoder, pooling="pooler")
    assert pooler.trainable
    # But not where its user does not want it.
    frozen = tiny_encoder(num_layers=1)
    frozen.trainable = False
    for pooling in ("mean", "pooler"):
        BiEncoder(frozen, pooling=pooling)
        assert not frozen.get_layer("pooler").trainable


def test_without_a_pooler_there_is_no_such_pooling():
    with pytest.raises(ValueError, match="`pooling` must be one of"):
        BiEncoder(tiny_encoder(pooler=False), pooling="pooler")
