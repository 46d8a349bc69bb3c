"""Checkpoints under Google's names give what BERT in numpy gives."""

import shutil

import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.checkpoints import google_bert
from semmatch.checkpoints import read_checkpoint
from tests.checkpoints import google_tiny
from tests.checkpoints.tiny import PLAIN
from tests.checks import to_numpy

CONFIG = {
    "attention_probs_dropout_prob": 0.1,
    "directionality": "bidi",
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 8,
    "initializer_range": 0.02,
    "intermediate_size": 12,
    "max_position_embeddings": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "pooler_type": "first_token_transform",
    "type_vocab_size": 2,
    "vocab_size": 9,
}
BLOCKS = ["encoder/layer_0/", "encoder/layer_1/"]


def encoder_tensors():
    draws = google_tiny.Draws()
    draws.embeddings("bert/", 8)
    draws.dense("bert/pooler/dense", 8, 8)
    for block in BLOCKS:
        draws.block(f"bert/{block}", google_tiny.BERT_NAMES)
    return draws.tensors


ENCODER = encoder_tensors()


def write(folder, tensors=ENCODER, config=CONFIG, suffix=""):
    config_file = f"bert_config{suffix}.json"
    return google_tiny.write(folder, tensors, config, config_file)


def numpy_bert(layers=2):
    """Token vectors and the pooled vector of `features()` in float64."""
    tokens = google_tiny.numpy_encoder(
        ENCODER,
        "bert/",
        BLOCKS[:layers],
        google_tiny.BERT_NAMES,
        activation="gelu_tanh",
        projection=None,
    )
    pooled = np.tanh(
        tokens[:, 0] @ ENCODER["bert/pooler/dense/kernel"]
        + ENCODER["bert/pooler/dense/bias"]
    )
    return tokens, pooled


@pytest.mark.parametrize("suffix", ["", "_rbt4"])
@pytest.mark.parametrize("num_layers", [None, 1])
@pytest.mark.filterwarnings("ignore:.* has no head")
def test_outputs_are_those_of_numpy(tmp_path, suffix, num_layers):
    folder = write(tmp_path / "rbt", suffix=suffix)
    # As numpy's is, so that rounding hides nothing.
    model = CrossEncoder.from_preset(
        folder, num_layers=num_layers, dtype="float64"
    )
    batch = google_tiny.features()
    outputs = model.backbone(batch)
    tokens, pooled = numpy_bert(num_layers or 2)
    real = batch["padding_mask"] == 1
    np.testing.assert_allclose(
        to_numpy(outputs["sequence_output"])[real],
        tokens[real],
        rtol=0,
        atol=1e-8,
    )
    np.testing.assert_allclose(
        to_numpy(outputs["pooled_output"]), pooled, rtol=0, atol=1e-8
    )
    assert model.pooling == "pooler"
    assert model.load_report.initialised == ("head",)
    assert model.preprocessor.sequence_length == 16


@pytest.mark.filterwarnings("ignore:.* has no head")
def test_what_training_leaves_behind_is_accounted_for(tmp_path):
    more = {
        f"{name}/{slot}": array
        for name, array in ENCODER.items()
        for slot in ("adam_m", "adam_v")
    }
    more["global_step"] = np.array(7)
    more["cls/predictions/output_bias"] = np.zeros(9, "float32")
    more["cls/seq_relationship/output_weights"] = np.zeros((2, 8), "float32")
    folder = write(tmp_path / "bert", ENCODER | more)
    report = CrossEncoder.from_preset(folder).load_report
    assert set(report.used) == set(ENCODER)
    assert set(report.unused) == set(more)
    assert report.unused["global_step"] == "state of the optimizer"
    assert report.unused["cls/predictions/output_bias"].startswith("head of")


@pytest.mark.parametrize("classes", [2, 3])
def test_the_classifier_of_run_classifier_is_read(tmp_path, classes):
    generator = np.random.default_rng(2)
    head = {
        "output_weights": generator.normal(size=(classes, 8)),
        "output_bias": generator.normal(size=classes),
    }
    head = {name: array.astype("float32") for name, array in head.items()}
    folder = write(tmp_path / "bert", ENCODER | head)
    model = CrossEncoder.from_preset(folder)
    batch = google_tiny.features()
    _, pooled = numpy_bert()
    np.testing.assert_allclose(
        to_numpy(model(batch)),
        pooled @ head["output_weights"].T + head["output_bias"],
        atol=1e-5,
    )
    assert {*head} <= set(model.load_report.used)
    other = CrossEncoder.from_preset(folder, num_classes=1)
    assert other.load_report.unused["output_bias"] == "head of another task"


@pytest.mark.filterwarnings("ignore:.* has no head")
@pytest.mark.parametrize("missing", ["pooler", "pooler/dense/bias"])
def test_without_a_pooler_the_first_token_is_taken(tmp_path, missing):
    tensors = {n: a for n, a in ENCODER.items() if missing not in n}
    model = CrossEncoder.from_preset(write(tmp_path / "bert", tensors))
    assert model.pooling == "cls"
    report = model.load_report
    assert report.absent == ("pooler/kernel", "pooler/bias")
    left = {name for name in tensors if "pooler" in name}
    assert report.unused == dict.fromkeys(left, "the pooler is incomplete")


def test_strings_are_read_by_the_vocabulary(tmp_path):
    folder = write(tmp_path / "bert")
    with pytest.warns(UserWarning, match="has no head"):
        model = CrossEncoder.from_preset(folder)
    packed = model.preprocessor.pack(["还款"], ["借X钱"])
    assert packed["token_ids"][0].tolist() == [2, 5, 6, 3, 7, 1, 8, 3]
    assert model.score([("还款", "借钱")]).shape == (1,)


def test_of_two_formats_the_first_is_read_and_said(tmp_path):
    folder = write(tmp_path / "both")
    shutil.copytree(PLAIN, folder, dirs_exist_ok=True)
    message = "Hugging Face BERT and Google BERT .*: Hugging Face BERT is read"
    with pytest.warns(UserWarning, match=message):
        checkpoint = read_checkpoint(folder)
    assert "bert/pooler/dense/bias" not in checkpoint.report.used


def without(*parts):
    return {n: a for n, a in ENCODER.items() if not any(p in n for p in parts)}


@pytest.mark.parametrize(
    ("tensors", "config", "message"),
    [
        (
            without("layer_1/output/dense/bias"),
            {},
            "lacks 1 tensors .*bert/encoder/layer_1/output/dense/bias",
        ),
        (ENCODER, {"vocab_size": 10}, r"word_embeddings must .*\(10, 8\)"),
        (ENCODER, {"num_hidden_layers": 1}, "does not have: .*layer_1"),
        (ENCODER, {"hidden_act": "swish"}, "hidden_act='swish'"),
        (ENCODER, {"hidden_size": ...}, "lacks hidden_size"),
        (
            ENCODER | {"bert/encoder/extra": np.zeros(2, "float32")},
            {},
            "does not have: bert/encoder/extra",
        ),
        (
            ENCODER | {"bert/pooler/dense/bias": np.full(8, np.nan, "float32")},
            {},
            "bert/pooler/dense/bias holds values that are not finite",
        ),
        (
            ENCODER
            | {"output_weights": np.zeros((2, 7), "float32")}
            | {"output_bias": np.zeros(2, "float32")},
            {},
            r"the classifier must .*\(classes, 8\).*\(2, 7\)",
        ),
    ],
)
def test_damaged_checkpoints_name_file_and_tensor(
    tmp_path, tensors, config, message
):
    config = {k: v for k, v in {**CONFIG, **config}.items() if v is not ...}
    folder = write(tmp_path / "bert", tensors, config)
    with pytest.raises(ValueError, match=message):
        CrossEncoder.from_preset(folder)


def test_other_damage_names_the_file(tmp_path):
    folder = write(tmp_path / "bert")
    data = next(folder.glob("*.data-*"))
    whole = data.read_bytes()
    data.write_bytes(whole[:100])
    with pytest.raises(ValueError, match=r"model.ckpt, the tensor bert/"):
        read_checkpoint(folder)
    data.unlink()
    with pytest.raises(FileNotFoundError, match="model.ckpt.data-. is"):
        read_checkpoint(folder)
    data.write_bytes(whole)
    index = folder / "model.ckpt.index"
    kept = index.read_bytes()
    index.write_bytes(kept[:40])
    with pytest.raises(ValueError, match="model.ckpt is truncated or no"):
        read_checkpoint(folder)
    index.write_bytes(kept)
    shutil.copy(index, folder / "other.ckpt.index")
    with pytest.raises(ValueError, match="several checkpoints: model.ckpt"):
        read_checkpoint(folder)
    (folder / "other.ckpt.index").unlink()
    (folder / "bert_config_2.json").write_text("{}")
    with pytest.raises(ValueError, match="several configurations"):
        read_checkpoint(folder)
    index.unlink()
    (folder / "bert_config_2.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"Expected a TensorFlow check"):
        read_checkpoint(folder)


def test_it_is_known_by_its_configuration(tmp_path):
    assert not google_bert.FORMAT.matches(tmp_path)
    (tmp_path / "bert_config_rbt12.json").write_text("{}")
    assert google_bert.FORMAT.matches(tmp_path)
