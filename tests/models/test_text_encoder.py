"""The encoder against BERT's in plain numpy."""

import keras
import numpy as np
import pytest

from semmatch.models import TextEncoder
from tests.checks import json_round_trip
from tests.checks import tiny_encoder
from tests.checks import to_numpy
from tests.layers import numpy_bert

LENGTHS = [3, 7, 1]
ACTIVATIONS = {**numpy_bert.ACTIVATIONS, "tanh": np.tanh}


def features(segments=True):
    generator = np.random.default_rng(1)
    mask = np.arange(7) < np.array(LENGTHS)[:, None]
    arrays = {
        "token_ids": generator.integers(0, 64, (3, 7)),
        "padding_mask": mask,
        "segment_ids": generator.integers(0, 2, (3, 7)),
    }
    if not segments:
        del arrays["segment_ids"]
    return {name: array.astype("int32") for name, array in arrays.items()}


def expected_outputs(encoder, inputs):
    """Devlin et al. 2018: the sum of embeddings, the blocks, the pooler.

    Lan et al. 2019: a dense layer after narrow embeddings, shared blocks.
    """
    weights = numpy_bert.named_weights(encoder)
    tokens = weights("token_embedding", "embeddings")[inputs["token_ids"]]
    tokens = tokens + weights("position_embedding", "embeddings")[:7]
    if "segment_ids" in inputs:
        segments = weights("segment_embedding", "embeddings")
        tokens = tokens + segments[inputs["segment_ids"]]
    tokens = numpy_bert.layer_norm(
        tokens,
        weights("embedding_norm", "gamma"),
        weights("embedding_norm", "beta"),
        encoder.layer_norm_epsilon,
    )
    if encoder.embedding_dim is not None:
        tokens = tokens @ weights("embedding_projection", "kernel")
        tokens = tokens + weights("embedding_projection", "bias")
    for index in range(encoder.num_layers):
        number = 0 if encoder.shared_layers else index
        block = numpy_bert.named_weights(encoder, f"block_{number}")
        tokens = numpy_bert.bert_block(
            block,
            tokens,
            inputs["padding_mask"],
            encoder.num_heads,
            encoder.activation,
            encoder.layer_norm_epsilon,
        )
    pooled = tokens[:, 0] @ weights("pooler", "kernel")
    pooled = pooled + weights("pooler", "bias")
    return tokens, ACTIVATIONS[encoder.pooler_activation](pooled)


@pytest.mark.parametrize(
    ("num_heads", "activation", "epsilon", "segments"),
    [
        (2, "gelu", 1e-12, True),
        (4, "gelu_tanh", 0.3, True),
        (1, "relu", 1e-6, False),
    ],
)
def test_it_is_bert(num_heads, activation, epsilon, segments):
    encoder = tiny_encoder(
        num_layers=2,
        num_heads=num_heads,
        activation=activation,
        layer_norm_epsilon=epsilon,
        num_segments=2 if segments else 0,
    )
    inputs = features(segments)
    assert_numpys(encoder, inputs)


@pytest.mark.parametrize(
    "form",
    [
        {"embedding_dim": 4},
        # A dense layer all the same, as in transformers' ALBERT.
        {"embedding_dim": 8, "num_segments": 0},
        {"shared_layers": True, "num_layers": 3},
        {"shared_layers": True, "num_layers": 1, "embedding_dim": 12},
        {"pooler_activation": "relu"},
        {"pooler_activation": "gelu", "activation": "gelu_tanh"},
    ],
    ids=str,
)
def test_it_is_one_of_berts_relatives(form):
    encoder = tiny_encoder(**{"num_layers": 2, **form})
    assert_numpys(encoder, features("segment_ids" in encoder.input))


def assert_numpys(encoder, inputs):
    outputs = encoder(inputs)
    tokens, pooled = expected_outputs(encoder, inputs)
    np.testing.assert_allclose(
        to_numpy(outputs["sequence_output"]), tokens, atol=1e-5
    )
    np.testing.assert_allclose(
        to_numpy(outputs["pooled_output"]), pooled, atol=1e-5
    )


def test_padding_changes_no_real_token():
    encoder = tiny_encoder(num_layers=2)
    inputs = features()
    expected = to_numpy(encoder(inputs)["sequence_output"])
    wide = {name: np.pad(a, [(0, 0), (0, 6)]) for name, a in inputs.items()}
    real = wide["padding_mask"] == 1
    wide["token_ids"][~real] = 33
    wide["segment_ids"][~real] = 1
    outputs = to_numpy(encoder(wide)["sequence_output"])
    np.testing.assert_allclose(
        outputs[real], expected[inputs["padding_mask"] == 1], atol=1e-5
    )


def test_parts_may_be_left_out():
    encoder = tiny_encoder(num_segments=0, pooler=False)
    assert set(encoder.input) == {"token_ids", "padding_mask"}
    assert set(encoder.output) == {"sequence_output"}
    names = {layer.name for layer in encoder.layers}
    assert not names & {"pooler", "segment_embedding"}
    assert set(tiny_encoder().input) == {*encoder.input, "segment_ids"}
    assert set(tiny_encoder().output) == {"sequence_output", "pooled_output"}


def test_sizes_are_those_asked_for():
    encoder = TextEncoder(
        20, 3, 2, 6, 10, max_sequence_length=9, num_segments=4
    )
    shapes = {v.path: tuple(v.shape) for v in encoder.trainable_weights}
    assert shapes["token_embedding/embeddings"] == (20, 6)
    assert shapes["position_embedding/embeddings"] == (9, 6)
    assert shapes["segment_embedding/embeddings"] == (4, 6)
    assert shapes["block_2/intermediate/kernel"] == (6, 10)
    assert not any(path.startswith("block_3") for path in shapes)


def test_narrow_embeddings_and_shared_blocks_have_fewer_weights():
    encoder = TextEncoder(20, 3, 2, 6, 10, embedding_dim=4, shared_layers=True)
    shapes = {v.path: tuple(v.shape) for v in encoder.trainable_weights}
    assert shapes["token_embedding/embeddings"] == (20, 4)
    assert shapes["position_embedding/embeddings"] == (512, 4)
    assert shapes["segment_embedding/embeddings"] == (2, 4)
    assert shapes["embedding_norm/gamma"] == (4,)
    assert shapes["embedding_projection/kernel"] == (4, 6)
    assert shapes["embedding_projection/bias"] == (6,)
    blocks = {p.split("/")[0] for p in shapes if p.startswith("block")}
    assert blocks == {"block_0"}


@pytest.mark.parametrize("name", ["dropout", "attention_dropout"])
def test_each_dropout_is_felt_in_training_alone(name):
    rates = {"dropout": 0.0, "attention_dropout": 0.0, name: 0.5}
    encoder = tiny_encoder(**rates)
    still = to_numpy(encoder(features())["sequence_output"])
    trained = encoder(features(), training=True)["sequence_output"]
    assert np.abs(to_numpy(trained) - still).max() > 0.01
    still_again = to_numpy(encoder(features())["sequence_output"])
    np.testing.assert_array_equal(still_again, still)


def test_without_dropout_training_computes_the_same():
    encoder = tiny_encoder(dropout=0.0, attention_dropout=0.0)
    np.testing.assert_allclose(
        to_numpy(encoder(features(), training=True)["sequence_output"]),
        to_numpy(encoder(features())["sequence_output"]),
        atol=1e-5,
    )


def test_dropout_is_on_the_embeddings_too():
    encoder = tiny_encoder(dropout=0.25)
    assert encoder.get_layer("embedding_dropout").rate == 0.25


def test_mixed_bfloat16_keeps_float32_weights():
    encoder = tiny_encoder(dtype="mixed_bfloat16")
    output = encoder(features())["pooled_output"]
    assert keras.backend.standardize_dtype(output.dtype) == "bfloat16"
    assert {v.dtype for v in encoder.trainable_weights} == {"float32"}
    expected = to_numpy(tiny_encoder()(features())["pooled_output"])
    error = to_numpy(keras.ops.cast(output, "float32")) - expected
    assert np.abs(error).max() < 0.1


def test_the_config_gives_the_same_encoder_back():
    encoder = tiny_encoder(
        dropout=0.2,
        attention_dropout=0.3,
        num_segments=3,
        activation="relu",
        layer_norm_epsilon=1e-5,
        pooler=False,
        pooler_activation="relu",
        embedding_dim=6,
        shared_layers=True,
        dtype="mixed_bfloat16",
        name="tower",
        trainable=False,
    )
    again = json_round_trip(encoder)
    assert again.get_config() == encoder.get_config()
    assert again.name == "tower"
    assert not again.trainable_weights
    assert again.dtype_policy.name == "mixed_bfloat16"
    paths = [variable.path for variable in encoder.weights]
    assert [variable.path for variable in again.weights] == paths


@pytest.mark.parametrize("name", ["drop_out", "max_length"])
def test_an_unknown_argument_is_refused(name):
    with pytest.raises(TypeError, match=name):
        tiny_encoder(**{name: 0.5})


def test_positions_start_smaller_than_tokens():
    encoder = TextEncoder(200, 1, 2, 16, 16)
    tokens, positions = (
        to_numpy(encoder.get_layer(f"{name}_embedding").weights[0]).std()
        for name in ("token", "position")
    )
    assert 0 < positions < tokens / 2


def test_a_configuration_of_an_earlier_version_gives_the_same_encoder():
    encoder = tiny_encoder()
    config = encoder.get_config()
    for name in ("pooler_activation", "embedding_dim", "shared_layers"):
        del config[name]
    again = TextEncoder.from_config(config)
    assert again.get_config() == encoder.get_config()
    paths = [variable.path for variable in encoder.weights]
    assert [variable.path for variable in again.weights] == paths


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooler_activation": "elu"}, "`pooler_activation` must .*'elu'"),
        ({"embedding_dim": 0}, "`embedding_dim` must .*embedding_dim=0"),
        ({"embedding_dim": 4.0}, "`embedding_dim` must .*embedding_dim=4.0"),
    ],
)
def test_another_form_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_encoder(**arguments)
