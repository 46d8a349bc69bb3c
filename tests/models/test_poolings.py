"""Poolings of models that have weights or read more than the last layer."""

import keras
import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch.models.presets import float32_twin
from semmatch.models.text_encoder import set_activation_checkpointing
from semmatch.training import AdamW
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import to_numpy
from tests.models.bi_models import bi_model
from tests.models.bi_models import topic_pairs

PAIRS = topic_pairs()
TEXTS = ["取消", "借款 Hello", "怎么还款"]


def first_and_last(model, texts):
    """The mean over tokens of the two layers, by a model of the encoder."""
    encoder = model.backbone
    first = encoder.get_layer("block_0")._inbound_nodes[0].output_tensors[0]
    both = keras.Model(
        encoder.input, [first, encoder.output["sequence_output"]]
    )
    packer = model.preprocessor.packer
    features = packer.pack_ids(packer.tokenize(texts, ""))
    one, two = map(to_numpy, both({k: features[k] for k in encoder.input}))
    mask = features["padding_mask"][:, :, None]
    vectors = ((one + two) / 2 * mask).sum(axis=1) / mask.sum(axis=1)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("shared", [False, True])
def test_first_last_is_the_mean_of_both_layers(shared):
    model = bi_model(
        tiny_encoder(num_layers=3, shared_layers=shared), pooling="first_last"
    )
    found = model.encode(TEXTS)
    np.testing.assert_allclose(found, first_and_last(model, TEXTS), atol=1e-5)
    mean = bi_model(model.backbone).encode(TEXTS)
    assert np.abs(found - mean).max() > 0.01


def test_first_last_of_one_layer_is_its_mean():
    model = bi_model(pooling="first_last")
    np.testing.assert_allclose(
        model.encode(TEXTS), bi_model(model.backbone).encode(TEXTS), atol=1e-6
    )


def test_first_last_needs_blocks_by_name():
    inputs = tiny_encoder(num_segments=0).input
    tokens = keras.layers.Embedding(64, 8)(inputs["token_ids"])
    import keras_hub

    class Plain(keras_hub.models.Backbone):
        def __init__(self):
            super().__init__(inputs=inputs, outputs=tokens)

    with pytest.raises(ValueError, match="`pooling` must be one of"):
        BiEncoder(Plain(), pooling="first_last")


def trained(model):
    model.compile(AdamW(0.01))
    model.fit(PAIRS, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize(
    "make", [pytest.param(bi_model, marks=pytest.mark.slow), tiny_model]
)
@pytest.mark.parametrize(
    "pooling",
    ["attention", pytest.param("first_last", marks=pytest.mark.slow)],
)
def test_it_is_trained_saved_and_copied(make, pooling, tmp_path):
    encoder = tiny_encoder(dropout=0.0, attention_dropout=0.0)
    model = trained(make(encoder, pooling=pooling))
    if pooling == "attention":
        [query] = model.get_layer("attention_pooling").get_weights()
        assert np.abs(query).max() > 0
    model.save_to_preset(tmp_path / "preset")
    again = type(model).from_preset(tmp_path / "preset")
    expected = model.score(PAIRS)
    np.testing.assert_allclose(again.score(PAIRS), expected, atol=1e-6)
    np.testing.assert_allclose(
        float32_twin(model).score(PAIRS), expected, atol=1e-6
    )
    assert again.load_report.initialised == ()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.score(PAIRS), expected, atol=1e-6)
    # What trains the blocks alone reaches them.
    set_activation_checkpointing(model.backbone, True)
    part = type(model).from_preset(tmp_path / "preset", trainable="top:1")
    assert len(part.backbone.trainable_variables) == 16


@pytest.mark.slow
def test_attention_begins_where_a_preset_has_none(tmp_path):
    model = bi_model()
    model.save_to_preset(tmp_path / "preset")
    again = BiEncoder.from_preset(tmp_path / "preset", pooling="attention")
    assert again.load_report.initialised == ("attention_pooling",)
    np.testing.assert_allclose(
        again.encode(TEXTS), model.encode(TEXTS), atol=1e-6
    )
    trained(again).save_to_preset(tmp_path / "other")
    mean = BiEncoder.from_preset(tmp_path / "other", pooling="mean")
    assert mean.load_report.initialised == ()
    assert np.abs(mean.encode(TEXTS) - again.encode(TEXTS)).max() > 1e-4


def test_a_cross_encoder_with_another_pooling_has_a_fresh_head(tmp_path):
    model = tiny_model(pooling="mean")
    model.save_to_preset(tmp_path / "preset")
    with pytest.warns(UserWarning, match="no head for this model"):
        again = CrossEncoder.from_preset(
            tmp_path / "preset", pooling="attention"
        )
    assert again.load_report.initialised == ("head",)
