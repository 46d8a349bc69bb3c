"""One block that is applied several times trains as one block."""

import keras
import numpy as np
import pytest

from semmatch import CrossEncoder
from tests import checks
from tests.checks import to_numpy

SHARED = {"shared_layers": True, "num_layers": 3, "embedding_dim": 4}


def train(encoder, steps=1, **compiling):
    """Changes of all variables over a few steps of plain descent."""
    model = checks.tiny_model(encoder, dropout=0.0)
    model.compile(keras.optimizers.SGD(0.01), **compiling)
    before = {v.path: to_numpy(v) for v in encoder.variables}
    pairs = checks.toy_pairs(8)
    features = model.preprocessor.pack(pairs.text_a, pairs.text_b)
    for _ in range(steps):
        model.train_on_batch(features, pairs.label)
    after = {v.path: to_numpy(v) for v in encoder.variables}
    return {name: after[name] - value for name, value in before.items()}


def test_its_gradient_is_the_sum_over_its_uses():
    still = {"dropout": 0.0, "attention_dropout": 0.0}
    shared = checks.tiny_encoder(**SHARED, **still)
    several = checks.tiny_encoder(**SHARED | {"shared_layers": False}, **still)
    values = {v.path: to_numpy(v) for v in shared.trainable_weights}

    def of_shared(path):
        first, *rest = path.split("/")
        is_block = first.startswith("block_")
        return "/".join(["block_0" if is_block else first, *rest])

    for variable in several.trainable_weights:
        variable.assign(values[of_shared(variable.path)])
    moved, expected = train(shared), dict.fromkeys(values, 0.0)
    changes = train(several)
    for variable in several.trainable_weights:
        change = changes[variable.path]
        expected[of_shared(variable.path)] = (
            expected[of_shared(variable.path)] + change
        )
    for name, change in expected.items():
        np.testing.assert_allclose(moved[name], change, atol=1e-6)
    assert np.abs(moved["block_0/query/kernel"]).max() > 1e-5
    assert np.abs(moved["embedding_projection/kernel"]).max() > 1e-5


@pytest.mark.slow
def test_activation_checkpointing_trains_it_the_same():
    runs = []
    for value in (True, False):
        keras.utils.set_random_seed(0)
        encoder = checks.tiny_encoder(dropout=0.3, **SHARED)
        runs.append(train(encoder, 3, activation_checkpointing=value))
    # Seeds among them, which move at each use of the block and whose names
    # differ.
    for one, other in zip(*(run.values() for run in runs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.abs(runs[0]["block_0/query/kernel"]).max() > 1e-4


@pytest.mark.parametrize("num_layers", [None, 1, 2])
def test_a_preset_keeps_it_and_its_first_uses(tmp_path, num_layers):
    model = checks.tiny_model(checks.tiny_encoder(**SHARED))
    model.save_to_preset(tmp_path / "shared")
    again = CrossEncoder.from_preset(tmp_path / "shared", num_layers=num_layers)
    config = {**model.backbone.get_config(), "num_layers": num_layers or 3}
    expected = type(model.backbone).from_config(config)
    checks.randomise(expected)
    features = model.preprocessor.pack(["怎么取消借款"], ["如何还款"])
    np.testing.assert_allclose(
        to_numpy(again.backbone(features)["pooled_output"]),
        to_numpy(expected(features)["pooled_output"]),
        atol=1e-6,
    )
