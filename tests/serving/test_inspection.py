"""What a folder is said to be is what it is."""

import json
import shutil

import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch.serving.inspection import inspect_folder
from tests.checkpoints.test_sentence_transformers import whole
from tests.checkpoints.tiny import CLASSIFIER
from tests.checkpoints.tiny import PLAIN
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.models.bi_models import bi_model


def count(model):
    return sum(weight.shape.num_elements() for weight in model.weights)


@pytest.mark.parametrize("folder", [PLAIN, CLASSIFIER])
@pytest.mark.filterwarnings("ignore:.*logit starts at random")
@tensorflow_only
def test_a_checkpoint_is_described_as_it_is_loaded(folder):
    found = inspect_folder(folder)
    model = CrossEncoder.from_preset(folder)
    head = 0 if folder == CLASSIFIER else count(model.get_layer("head"))
    assert found.kind == "Hugging Face BERT"
    assert found.parameters == count(model) - head
    config = model.backbone.get_config()
    assert found.encoder == {name: config[name] for name in found.encoder}
    assert found.sequence_length == model.preprocessor.sequence_length
    assert found.tokenizer.startswith("WordPiece, ")
    assert found.tokenizer.endswith(" ids, lower case")
    starts_at_random = "random" in found.loads["CrossEncoder.from_preset"]
    assert starts_at_random == ("head" in model.load_report.initialised)
    assert str(found).endswith(str(found.report))


def test_a_classifier_is_counted(tmp_path):
    found = inspect_folder(CLASSIFIER)
    assert found.head == "a classifier of 3 logits on the pooler"
    assert "classifier.weight" in found.report.used


def test_a_folder_of_sentence_transformers_names_its_modules(tmp_path):
    found = inspect_folder(whole("projected", tmp_path))
    assert found.kind == "sentence-transformers, Hugging Face BERT"
    assert found.head == (
        "mean pooling, a layer of 7, length 1, dot similarity"
    )
    assert found.loads["BiEncoder.from_preset"] == "keeps pooling and head"
    without = inspect_folder(whole("cls", tmp_path / "cls"))
    assert without.head == "cls pooling, cosine similarity"
    assert found.parameters == without.parameters + 24 * 7 + 7


@tensorflow_only
def test_a_preset_and_a_deploy_folder_are_named(tmp_path):
    model = tiny_model(tiny_encoder(num_layers=2), num_classes=3)
    model.save_to_preset(tmp_path / "preset")
    found = inspect_folder(tmp_path / "preset")
    assert found.kind == "semmatch preset of a CrossEncoder"
    assert found.parameters == count(model)
    assert "num_classes 3" in found.head
    assert found.encoder["num_layers"] == 2
    assert list(found.loads) == ["CrossEncoder.from_preset"]
    export_onnx(model, tmp_path / "deploy")
    found = inspect_folder(tmp_path / "deploy")
    assert found.kind.startswith("deploy folder of a cross_encoder, ONNX of 0.")
    assert found.parameters is None
    assert "softmax, a match from 0.5000 on" in found.head
    assert "parameters" not in str(found)


@tensorflow_only
def test_a_preset_of_a_bi_encoder_is_named(tmp_path):
    BiEncoder.from_preset(PLAIN).save_to_preset(tmp_path)
    found = inspect_folder(tmp_path)
    assert found.kind == "semmatch preset of a BiEncoder"
    assert "pooling mean" in found.head
    assert list(found.loads) == ["BiEncoder.from_preset"]


@tensorflow_only
def test_a_deploy_folder_of_a_bi_encoder_says_what_its_vectors_are(tmp_path):
    export_onnx(bi_model(projection_dim=5, similarity="dot"), tmp_path)
    found = inspect_folder(tmp_path)
    assert found.kind.startswith("deploy folder of a bi_encoder, ONNX of 0.")
    assert found.head == (
        "vectors of 5, length 1, dot similarity, scores by sigmoid, a match "
        "from 0.5000 on"
    )
    assert found.loads == {"Matcher": "encodes, scores and ranks with it"}


def test_it_is_json_for_programs():
    record = json.loads(json.dumps(inspect_folder(PLAIN).to_dict()))
    assert record["encoder"]["hidden_dim"] == 24
    assert record["report"]["unused"] == {}


@tensorflow_only
def test_damaged_presets_are_named(tmp_path):
    tiny_model().save_to_preset(tmp_path)
    shutil.copyfile(tmp_path / "tokenizer.json", tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match="model.weights.h5 is missing or no"):
        inspect_folder(tmp_path)
    (tmp_path / "semmatch_preset.json").write_text('{"config": {}}')
    with pytest.raises(ValueError, match="semmatch_preset.json does not desc"):
        inspect_folder(tmp_path)


def test_a_folder_that_is_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is no checkpoint"):
        inspect_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is none at"):
        inspect_folder(tmp_path / "absent")
