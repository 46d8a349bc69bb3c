"""ALBERT under Google's names gives what ALBERT in numpy gives."""

import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.checkpoints import read_checkpoint
from tests.checkpoints import google_tiny
from tests.checks import to_numpy

# The keys of google-research/albert's albert_config.json.
CONFIG = {
    "attention_probs_dropout_prob": 0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0,
    "embedding_size": 6,
    "hidden_size": 8,
    "initializer_range": 0.02,
    "intermediate_size": 12,
    "max_position_embeddings": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "num_hidden_groups": 1,
    "net_structure_type": 0,
    "gap_size": 0,
    "num_memory_blocks": 0,
    "inner_group_num": 1,
    "down_scale_factor": 1,
    "type_vocab_size": 2,
    "vocab_size": 9,
}
BLOCK = "encoder/transformer/group_0/inner_group_0/"
NAMES = {
    "query": "attention_1/self/query",
    "key": "attention_1/self/key",
    "value": "attention_1/self/value",
    "attention_output": "attention_1/output/dense",
    "attention_norm": "LayerNorm",
    "intermediate": "ffn_1/intermediate/dense",
    "output": "ffn_1/intermediate/output/dense",
    "output_norm": "LayerNorm_1",
}
PROJECTION = "encoder/embedding_hidden_mapping_in"


def draw(prefix="bert/", width=6):
    draws = google_tiny.Draws()
    draws.embeddings(prefix, width)
    if width != 8:
        draws.dense(prefix + PROJECTION, width, 8)
    draws.block(prefix + BLOCK, NAMES)
    draws.dense(f"{prefix}pooler/dense", 8, 8)
    return draws.tensors


def write(folder, tensors=None, config=None, config_file="albert_config.json"):
    tensors = draw() if tensors is None else tensors
    config = {**CONFIG, **(config or {})}
    return google_tiny.write(folder / "albert", tensors, config, config_file)


def assert_numpys(model, tensors, prefix="bert/", layers=3, width=6):
    """Compares a model that computes in float64 with numpy."""
    tokens = google_tiny.numpy_encoder(
        tensors,
        prefix,
        [BLOCK] * layers,
        NAMES,
        activation="gelu_tanh",
        projection=None if width == 8 else PROJECTION,
    )
    inputs = google_tiny.features()
    outputs = model.backbone(inputs)
    real = inputs["padding_mask"] == 1
    np.testing.assert_allclose(
        to_numpy(outputs["sequence_output"])[real],
        tokens[real],
        rtol=0,
        atol=1e-8,
    )
    pooled = np.tanh(
        tokens[:, 0] @ tensors[f"{prefix}pooler/dense/kernel"]
        + tensors[f"{prefix}pooler/dense/bias"]
    )
    np.testing.assert_allclose(
        to_numpy(outputs["pooled_output"]), pooled, rtol=0, atol=1e-8
    )
    return pooled


@pytest.mark.parametrize(
    ("prefix", "width", "layers", "config_file"),
    [
        ("bert/", 6, 3, "albert_config.json"),
        ("module/bert/", 6, 2, "albert_config_base.json"),
        # As modeling.py has it, no projection where the width stays.
        ("bert/", 8, 3, "albert_config.json"),
    ],
)
def test_outputs_are_those_of_numpy(
    tmp_path, prefix, width, layers, config_file
):
    tensors = draw(prefix, width)
    folder = write(tmp_path, tensors, {"embedding_size": width}, config_file)
    model = CrossEncoder.from_preset(
        folder, num_classes=1, num_layers=layers, dtype="float64"
    )
    assert_numpys(model, tensors, prefix, layers, width)
    report = model.load_report
    assert (set(report.used), report.unused) == (set(tensors), {})
    assert report.ignored_config == ()
    assert model.preprocessor.sequence_length == 16
    assert model.score([("还款", "借钱")]).shape == (1,)


def test_the_classifier_of_run_classifier_is_read(tmp_path):
    tensors = draw()
    head = google_tiny.Draws()
    head.table("output_weights", 3, 8)
    head.table("output_bias", 3)
    folder = write(tmp_path, tensors | head.tensors)
    model = CrossEncoder.from_preset(folder, dtype="float64")
    pooled = assert_numpys(model, tensors)
    weights, bias = head.tensors.values()
    np.testing.assert_allclose(
        to_numpy(model(google_tiny.features())),
        pooled @ weights.T + bias,
        atol=1e-5,
    )


def test_heads_and_state_of_the_training_are_left_out(tmp_path):
    zeros = np.zeros(8, "float32")
    more = {
        f"bert/{BLOCK}LayerNorm_1/beta/lamb_m": zeros,
        "cls/predictions/output_bias": zeros,
        "cls/seq_relationship/output_weights": zeros,
        "global_step": np.array(7),
    }
    report = read_checkpoint(write(tmp_path, draw() | more)).report
    assert set(report.unused) == set(more)
    assert report.unused["global_step"] == "state of the optimizer"
    assert report.unused["cls/predictions/output_bias"].startswith("head of")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"num_hidden_groups": 12}, "num_hidden_groups must be 1"),
        ({"inner_group_num": 2}, "inner_group_num must be 1"),
        ({"embedding_size": 7}, r"word_embeddings must .*\(9, 7\)"),
        ({"hidden_act": "swish"}, "hidden_act='swish'"),
    ],
)
def test_another_architecture_is_refused(tmp_path, config, message):
    with pytest.raises(ValueError, match=message):
        read_checkpoint(write(tmp_path, config=config))
