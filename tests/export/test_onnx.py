"""Exported folders score as the model does, or are not written."""

import dataclasses
import hashlib
import importlib.metadata
import json
import shutil

import keras
import numpy as np
import onnx
import pytest

import semmatch.export.block_nodes
import semmatch.export.onnx
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import ExportReport
from semmatch import Matcher
from semmatch import Scoring
from tests.checks import run_python
from tests.checks import tensorflow_only
from tests.checks import tiny_backbone
from tests.checks import tiny_encoder
from tests.checks import tiny_fnet
from tests.checks import tiny_model
from tests.checks import tiny_preprocessor
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.export.models import without_segments

pytestmark = tensorflow_only

FILES = ["model.onnx", "semmatch.json", "tokenizer.json"]


MODELS = {
    "pooler": (1, lambda: spread_model()),
    "cls": (1, lambda: spread_model(pooling="cls")),
    "no segments": (1, lambda: without_segments()),
    "two": (2, lambda: spread_model(num_classes=2, pooling="mean")),
    "three": (3, lambda: without_segments(num_classes=3, pooling="max")),
    "hidden": (1, lambda: spread_model(hidden_dim=6, pooling="mean")),
    "tanh": (1, lambda: spread_model(tiny_encoder(activation="gelu_tanh"))),
    "passage": (
        1,
        lambda: spread_model(
            preprocessor=tiny_preprocessor(truncation="only_second")
        ),
    ),
    "KerasHub": (1, lambda: spread_model(tiny_backbone())),
}


@pytest.fixture(scope="module")
def model():
    scoring = Scoring("sigmoid", temperature=2.0, bias=-0.5, threshold=0.75)
    return spread_model(scoring=scoring)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "deploy"
    return folder, export_onnx(model, folder)


@pytest.mark.parametrize("name", MODELS)
def test_the_folder_scores_as_the_model(name, tmp_path):
    classes, make = MODELS[name]
    model = make()
    report = export_onnx(model, tmp_path / "deploy")
    assert report.max_difference < 1e-5
    graph = onnx.load(tmp_path / "deploy" / "model.onnx").graph
    segments = model.preprocessor.segments
    inputs = ["input_ids", "attention_mask"] + ["token_type_ids"] * segments
    assert [node.name for node in graph.input] == inputs
    for node in graph.input:
        assert node.type.tensor_type.elem_type == onnx.TensorProto.INT64
        # Free in both directions: no dimension has a value.
        shape = [d.dim_value for d in node.type.tensor_type.shape.dim]
        assert shape == [0, 0]
    [output] = graph.output
    assert output.name == "logits"
    assert output.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    shape = [d.dim_value for d in output.type.tensor_type.shape.dim]
    assert shape == [0, classes]

    matcher = Matcher(tmp_path / "deploy")
    expected = model.score(PAIRS)
    assert (np.ptp(expected, axis=0) > 0.2).all()
    np.testing.assert_allclose(matcher.score(PAIRS), expected, atol=1e-5)
    alone = np.concatenate([matcher.score([pair]) for pair in PAIRS])
    np.testing.assert_allclose(alone, expected, atol=1e-5)


def test_the_opset_is_at_least_18(exported):
    opsets = onnx.load(exported[0] / "model.onnx").opset_import
    assert {o.domain: o.version for o in opsets}[""] >= 18


def test_the_report_is_true(exported):
    folder, report = exported
    assert report.bytes == sum(file.stat().st_size for file in folder.iterdir())
    assert 0 < report.seconds < 600
    assert 0 <= report.max_difference < 1e-5
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.bytes = 0
    assert isinstance(report, ExportReport)


def test_the_configuration_says_all_that_serving_needs(exported):
    folder, _ = exported
    assert sorted(file.name for file in folder.iterdir()) == FILES
    record = json.loads((folder / "semmatch.json").read_text("utf-8"))
    packages = ["semmatch", "keras", "tensorflow", "tf2onnx", "onnxruntime"]
    assert record == {
        "format_version": 1,
        "kind": "cross_encoder",
        "sequence_length": 16,
        "truncation": "longest_first",
        "scoring": {
            "activation": "sigmoid",
            "temperature": 2.0,
            "bias": -0.5,
            "threshold": 0.75,
            "suggest_threshold": None,
            "symmetric": False,
            "long": "truncate",
        },
        "versions": {
            name: importlib.metadata.version(name) for name in packages
        },
        "files": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in ("model.onnx", "tokenizer.json")
        },
    }


PLAIN_SCRIPT = """
import json, sys
import numpy as np, onnxruntime, tokenizers

folder, pairs = sys.argv[1], json.loads(sys.argv[2])
tokenizer = tokenizers.Tokenizer.from_file(folder + "/tokenizer.json")
settings = json.load(open(folder + "/semmatch.json", encoding="utf-8"))
tokenizer.enable_truncation(
    settings["sequence_length"], strategy=settings["truncation"]
)
rows = tokenizer.encode_batch([tuple(pair) for pair in pairs])
session = onnxruntime.InferenceSession(folder + "/model.onnx")
[logits] = session.run(["logits"], {
    "input_ids": np.array([row.ids for row in rows]),
    "attention_mask": np.array([row.attention_mask for row in rows]),
    "token_type_ids": np.array([row.type_ids for row in rows]),
})
assert "semmatch" not in sys.modules
print(json.dumps(logits.tolist()))
"""


def test_other_software_gets_the_same_logits_from_the_folder(exported):
    # A command line cannot hold a null character.
    pairs = [pair for pair in PAIRS if "\0" not in pair[0]]
    output = run_python(PLAIN_SCRIPT, exported[0], json.dumps(pairs))
    expected = Matcher(exported[0]).logits(pairs)
    np.testing.assert_allclose(json.loads(output), expected, atol=1e-4)


def test_a_model_of_mixed_precision_exports_its_float32_twin(tmp_path):
    model = spread_model(tiny_encoder(dtype="mixed_bfloat16"))
    # Training a tokenizer again may number the pieces otherwise.
    twin = tiny_model(preprocessor=model.preprocessor)
    twin.set_weights(model.get_weights())
    export_onnx(model, tmp_path / "deploy")
    scores = Matcher(tmp_path / "deploy").score(PAIRS)
    np.testing.assert_allclose(scores, twin.score(PAIRS), atol=1e-5)
    assert np.abs(scores - model.score(PAIRS)).max() > 1e-4
    assert model.backbone.dtype_policy.name == "mixed_bfloat16"


def test_a_second_export_replaces_the_first(exported, tmp_path):
    folder = shutil.copytree(exported[0], tmp_path / "deploy")
    (folder / "notes.txt").write_text("ours")
    model = without_segments()
    report = export_onnx(model, folder)
    scores = Matcher(folder).score(PAIRS)
    np.testing.assert_allclose(scores, model.score(PAIRS), atol=1e-5)
    names = {file.name for file in folder.iterdir()}
    assert names == {*FILES, "notes.txt"}
    assert report.bytes == sum((folder / f).stat().st_size for f in FILES)


def test_a_graph_without_its_mask_is_not_handed_over(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr(semmatch.export.block_nodes, "MASKED", 0.0)
    with pytest.raises(RuntimeError, match="scores differ from the model's"):
        export_onnx(model, tmp_path / "deploy")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_gives_no_numbers_is_told_so(tmp_path):
    model = spread_model()
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias * np.nan])
    with pytest.raises(ValueError, match="itself gives NaN .* has diverged"):
        export_onnx(model, tmp_path / "deploy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "there"), [(0.01, False), (float("nan"), True)]
)
def test_a_graph_that_scores_otherwise_is_not_handed_over(
    model, tmp_path, monkeypatch, error, there
):
    convert = semmatch.export.onnx.to_onnx

    def broken(*arguments):
        graph = convert(*arguments)
        [bias] = [
            tensor
            for tensor in graph.graph.initializer
            if tensor.name.endswith("head/bias")
        ]
        value = onnx.numpy_helper.to_array(bias) + np.float32(error)
        bias.CopyFrom(onnx.numpy_helper.from_array(value, bias.name))
        return graph

    monkeypatch.setattr(semmatch.export.onnx, "to_onnx", broken)
    message = r"differ from the model's by .* more than 1e-04; nothing was wri"
    folder = tmp_path / "deploy"
    if there:
        folder.mkdir()
        (folder / "model.onnx").write_text("served")
    with pytest.raises(RuntimeError, match=message):
        export_onnx(model, folder)
    names = sorted(file.name for file in tmp_path.rglob("*"))
    assert names == (["deploy", "model.onnx"] if there else [])
    if there:
        assert (folder / "model.onnx").read_text() == "served"


@pytest.fixture
def no_trace(monkeypatch):
    def refuse(*arguments):
        pytest.fail("the long work had started")

    monkeypatch.setattr(semmatch.export.onnx, "to_onnx", refuse)


@pytest.mark.usefixtures("no_trace")
def test_another_backend_is_refused_at_once(model, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    message = "Keras on 'jax'.*`save_to_preset`.*KERAS_BACKEND=tensorflow"
    with pytest.raises(RuntimeError, match=message):
        export_onnx(model, tmp_path / "deploy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_trace")
def test_a_file_in_the_way_is_refused_at_once(model, tmp_path):
    (tmp_path / "deploy").write_text("mine")
    with pytest.raises(FileExistsError, match="deploy is a file"):
        export_onnx(model, tmp_path / "deploy")
    assert (tmp_path / "deploy").read_text() == "mine"


@pytest.mark.usefixtures("no_trace")
def test_a_model_without_a_tokenizer_is_refused_at_once(tmp_path):
    model = CrossEncoder(tiny_encoder(), name="bare")
    with pytest.raises(ValueError, match="`bare` has no preprocessor"):
        export_onnx(model, tmp_path / "deploy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*structure of `inputs`")
def test_an_operation_that_onnx_has_not_is_named(tmp_path):
    model = tiny_model(tiny_fnet())
    with pytest.raises(ValueError, match="has another one: .*Complex"):
        export_onnx(model, tmp_path / "deploy")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_model_is_refused(tmp_path):
    message = "takes a `CrossEncoder`.* Received: a str"
    with pytest.raises(TypeError, match=message):
        export_onnx("preset", tmp_path / "deploy")
    assert not (tmp_path / "deploy").exists()
