"""An encoder that waits for its weights, and what comes of it."""

import keras
import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.models import TextEncoder
from semmatch.models.empty_encoder import empty_encoder
from tests.checks import json_round_trip
from tests.checks import tiny_encoder
from tests.checks import tiny_preprocessor
from tests.checks import to_numpy

CONFIG = tiny_encoder(num_layers=2, embedding_dim=6).get_config()


def kernels(encoder):
    """Tables and kernels by path; a bias begins as zeros anyway."""
    return {
        weight.path: to_numpy(weight)
        for weight in encoder.weights
        if weight.path.endswith(("embeddings", "kernel"))
    }


@pytest.mark.parametrize("initializer", ["ones", keras.initializers.Ones()])
def test_the_initializer_is_that_of_tables_and_kernels(initializer):
    encoder = TextEncoder.from_config({**CONFIG, "initializer": initializer})
    assert len(kernels(encoder)) == 3 + 1 + 2 * 6 + 1
    for path, values in kernels(encoder).items():
        assert (values == 1).all(), path


def test_it_is_zeros_but_for_the_table():
    table = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    encoder = empty_encoder(CONFIG, table=table)
    for path, values in kernels(encoder).items():
        expected = table if path.startswith("token") else 0
        np.testing.assert_array_equal(values, expected, err_msg=path)


def test_a_copy_of_it_begins_at_random():
    encoder = empty_encoder(CONFIG, "mixed_bfloat16")
    assert encoder.dtype_policy.name == "mixed_bfloat16"
    copy = TextEncoder.from_config(encoder.get_config())
    for path, values in kernels(copy).items():
        assert values.std() > 0.001, path


def test_a_preset_keeps_the_initializer(tmp_path):
    encoder = tiny_encoder(initializer="he_normal")
    CrossEncoder(encoder, tiny_preprocessor()).save_to_preset(tmp_path)
    again = CrossEncoder.from_preset(tmp_path).backbone
    assert again.get_config() == encoder.get_config()
    copy = TextEncoder.from_config(again.get_config())
    assert kernels(copy)["block_0/query/kernel"].std() > 0.1


@pytest.mark.parametrize("name", ["block_0", "token_embedding", "pooler"])
def test_a_copy_of_a_layer_of_it_begins_at_random(name):
    layer = empty_encoder(CONFIG).get_layer(name)
    copy = json_round_trip(layer)
    if not copy.built:
        copy.build((None, None, 8))
    assert any(to_numpy(w).std() > 0.001 for w in copy.weights)
