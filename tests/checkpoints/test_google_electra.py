"""ELECTRA under Google's names gives what ELECTRA in numpy gives."""

import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.checkpoints import read_checkpoint
from tests.checkpoints import google_tiny
from tests.checks import to_numpy

# The keys of Chinese-ELECTRA's small_discriminator_config.json.
CONFIG = {
    "_num_labels": 2,
    "architectures": ["ElectraForPreTraining"],
    "attention_probs_dropout_prob": 0.1,
    "embedding_size": 6,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 8,
    "initializer_range": 0.02,
    "intermediate_size": 12,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 16,
    "model_type": "electra",
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "output_past": True,
    "pad_token_id": 0,
    "summary_activation": "gelu",
    "summary_last_dropout": 0.1,
    "summary_type": "first",
    "summary_use_proj": True,
    "type_vocab_size": 2,
    "vocab_size": 9,
}
BLOCKS = ["encoder/layer_0/", "encoder/layer_1/"]


def draw(width=6):
    draws = google_tiny.Draws()
    draws.embeddings("electra/", width)
    if width != 8:
        draws.dense("electra/embeddings_project", width, 8)
    for block in BLOCKS:
        draws.block(f"electra/{block}", google_tiny.BERT_NAMES)
    return draws.tensors


def pretraining():
    """What run_pretraining.py and the optimizer leave besides."""
    draws = google_tiny.Draws()
    draws.dense("generator/embeddings_project", 6, 4)
    draws.dense("generator/encoder/layer_0/attention/self/query", 4, 4)
    draws.dense("generator_predictions/dense", 4, 6)
    draws.norm("generator_predictions/LayerNorm", 6)
    draws.table("generator_predictions/output_bias", 9)
    draws.dense("discriminator_predictions/dense", 8, 8)
    draws.dense("discriminator_predictions/dense_1", 8, 1)
    draws.table("electra/encoder/layer_0/output/dense/bias/adam_m", 8)
    draws.tensors["global_step"] = np.array(1000000)
    return draws.tensors


def write(folder, tensors, config_file, **config):
    config = {**CONFIG, **config}
    return google_tiny.write(folder / "electra", tensors, config, config_file)


@pytest.mark.parametrize(
    ("config_file", "width", "layers"),
    [
        ("small_discriminator_config.json", 6, 2),
        ("electra_config.json", 6, 1),
        ("discriminator.json", 8, 2),
    ],
)
def test_outputs_are_those_of_numpy(tmp_path, config_file, width, layers):
    tensors = draw(width)
    folder = write(
        tmp_path, tensors | pretraining(), config_file, embedding_size=width
    )
    model = CrossEncoder.from_preset(
        folder,
        num_classes=1,
        num_layers=layers,
        # As numpy's is, so that rounding hides nothing.
        dtype="float64",
    )
    tokens = google_tiny.numpy_encoder(
        tensors,
        "electra/",
        BLOCKS[:layers],
        google_tiny.BERT_NAMES,
        # The exact one, other than in BERT's and ALBERT's modeling.py.
        activation="gelu",
        projection=None if width == 8 else "embeddings_project",
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
    assert not model.backbone.pooler
    assert model.pooling == "cls"
    report = model.load_report
    dropped = {name for name in tensors if "layer_1" in name and layers == 1}
    assert set(report.used) == set(tensors) - dropped
    assert set(report.unused) == dropped | set(pretraining())
    assert report.ignored_config == ()
    assert model.score([("还款", "借钱")]).shape == (1,)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("generator/embeddings_project/kernel", "the generator of the"),
        ("generator_predictions/output_bias", "head of the pretraining"),
        ("discriminator_predictions/dense_1/bias", "head of the pretraining"),
        ("global_step", "state of the optimizer"),
        ("task_specific/sts/dense/kernel", "head of another task"),
    ],
)
def test_what_is_left_out_has_a_reason(tmp_path, name, reason):
    more = {"task_specific/sts/dense/kernel": np.zeros((8, 1), "float32")}
    tensors = draw() | pretraining() | more
    folder = write(tmp_path, tensors, "electra_config.json")
    assert read_checkpoint(folder).report.unused[name].startswith(reason)


def test_an_archive_without_configuration_is_told_what_is_missing(tmp_path):
    folder = write(tmp_path, draw(), "electra_config.json")
    (folder / "electra_config.json").unlink()
    message = (
        r"TensorFlow checkpoint \(bert_config\*.json, albert_config\*.json, "
        r"electra_config\*.json, \*discriminator\*.json\).*model.ckpt.index"
    )
    with pytest.raises(ValueError, match=message):
        read_checkpoint(folder)


def test_a_generators_configuration_beside_it_is_not_taken(tmp_path):
    folder = write(tmp_path, draw(), "small_discriminator_config.json")
    (folder / "small_generator_config.json").write_text("{}")
    assert read_checkpoint(folder).config["hidden_dim"] == 8
