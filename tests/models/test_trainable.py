"""A part of a model is trained, and the rest stays what it is."""

import keras
import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch.losses import CoSENT
from semmatch.models.presets import float32_twin
from semmatch.models.trainable import set_trainable
from semmatch.training import AdamW
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import to_numpy
from tests.checks import toy_pairs

PAIRS = toy_pairs(16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "preset"
    tiny_model(tiny_encoder(num_layers=2)).save_to_preset(path)
    return path


def load(folder, trainable, **kwargs):
    return CrossEncoder.from_preset(folder, trainable=trainable, **kwargs)


def trained_layers(model):
    return {v.path.rsplit("/", 1)[0] for v in model.trainable_variables}


@pytest.mark.parametrize(
    ("part", "pooling", "starts"),
    [
        pytest.param("head", "pooler", ("head",), marks=pytest.mark.slow),
        ("head", "mean", ("head",)),
        pytest.param(
            "top:1", "pooler", ("block_1/", "head"), marks=pytest.mark.slow
        ),
        ("top:2", "mean", ("block_0/", "block_1/", "head")),
    ],
)
def test_what_is_named_is_trained_and_nothing_else(
    folder, part, pooling, starts
):
    model = load(folder, part, pooling=pooling, num_classes=1)
    pooler = ("pooler",) if pooling == "pooler" else ()
    starts = (*starts, *pooler)
    before = {v.path: to_numpy(v) for v in model.weights}
    model.compile(AdamW(0.1))
    model.fit(PAIRS, verbose=0)
    for variable in model.weights:
        changed = (to_numpy(variable) != before[variable.path]).any()
        # A key's bias moves all weights of attention alike.
        if not variable.path.endswith("key/bias"):
            assert changed == variable.path.startswith(starts), variable.path


def test_all_is_trained_without_a_word(folder):
    model = CrossEncoder.from_preset(folder)
    assert len(model.trainable_variables) == len(model.weights)


def test_lora_trains_products_of_the_rank(folder):
    model = load(folder, "lora:3")
    matrices = [
        f"block_{index}/{name}"
        for index in (0, 1)
        for name in ("query", "value")
    ]
    assert trained_layers(model) == {*matrices, "pooler", "head"}
    shapes = {v.path: v.shape for v in model.trainable_variables}
    assert shapes["block_0/query/lora_kernel_a"] == (8, 3)
    assert shapes["block_0/query/lora_kernel_b"] == (3, 8)


@pytest.mark.parametrize(
    "dtype", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]
)
def test_lora_begins_as_it_was_and_is_saved_as_one_matrix(
    folder, tmp_path, dtype
):
    plain = CrossEncoder.from_preset(folder, dtype=dtype)
    model = load(folder, "lora:2", dtype=dtype)
    np.testing.assert_array_equal(model.score(PAIRS), plain.score(PAIRS))
    model.compile(AdamW(0.05))
    model.fit(PAIRS, epochs=2, verbose=0)
    model.save_to_preset(tmp_path / "trained")
    again = CrossEncoder.from_preset(tmp_path / "trained", dtype="float32")
    twin = float32_twin(model)
    assert np.abs(again.score(PAIRS) - plain.score(PAIRS)).max() > 0.01
    layer = model.backbone.get_layer("block_1").query
    a, b = to_numpy(layer.lora_kernel_a), to_numpy(layer.lora_kernel_b)
    # Keras scales the product by `lora_alpha / rank`, which is 1.
    expected = to_numpy(layer._kernel) + a @ b
    kernel = again.backbone.get_layer("block_1").query.kernel
    np.testing.assert_allclose(to_numpy(kernel), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        twin.score(PAIRS), again.score(PAIRS), rtol=0, atol=1e-6
    )
    if dtype == "float32":
        np.testing.assert_allclose(
            model.score(PAIRS), again.score(PAIRS), rtol=0, atol=1e-5
        )


@pytest.mark.slow
@tensorflow_only
def test_an_export_has_what_lora_added(folder, tmp_path):
    model = load(folder, "lora:2")
    model.compile(AdamW(0.05))
    model.fit(PAIRS, epochs=2, verbose=0)
    export_onnx(model, tmp_path / "deploy")
    np.testing.assert_allclose(
        Matcher(tmp_path / "deploy").score(PAIRS),
        model.score(PAIRS),
        rtol=0,
        atol=1e-5,
    )


def test_a_bi_encoder_takes_the_same_forms(folder, tmp_path):
    encoder = tiny_encoder(
        num_layers=2, pooler=False, dropout=0.0, attention_dropout=0.0
    )
    model = BiEncoder(encoder, projection_dim=3)
    set_trainable(model, "lora:1")
    assert trained_layers(model) == {
        "block_0/query",
        "block_0/value",
        "block_1/query",
        "block_1/value",
        "projection",
    }
    model.compile(loss=CoSENT())
    assert model.optimizer is not None


@pytest.mark.parametrize(
    "part", ["top", "top:0", "top:-1", "lora:x", "lora:0", "half", 3, None]
)
def test_another_form_is_refused(folder, part):
    with pytest.raises(ValueError, match="`trainable` must be .*Received: tra"):
        load(folder, part)


def test_more_layers_than_there_are_are_refused(folder):
    with pytest.raises(ValueError, match='at most 2 layers.*"top:3"'):
        load(folder, "top:3")


def test_layers_that_share_weights_have_no_top():
    model = tiny_model(tiny_encoder(shared_layers=True))
    with pytest.raises(ValueError, match='"top:N" is of the layers'):
        set_trainable(model, "top:1")


def test_an_encoder_without_query_and_value_has_no_lora():
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name)
        for name in ("token_ids", "padding_mask", "segment_ids")
    }
    import keras_hub

    outputs = keras.layers.Embedding(64, 4)(inputs["token_ids"])
    backbone = keras_hub.models.Backbone(inputs=inputs, outputs=outputs)
    model = CrossEncoder(backbone, pooling="mean")
    with pytest.raises(ValueError, match="layers named query and value"):
        set_trainable(model, "lora:2")
