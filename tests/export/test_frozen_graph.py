"""Frozen graphs give what the model gives, or are not written."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import export_frozen_graph
from semmatch import ExportReport
from semmatch.export import frozen_graph
from tests.checks import tensorflow_only
from tests.checks import tiny_backbone
from tests.checks import tiny_encoder
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.export.models import without_segments
from tests.models.bi_models import bi_model

pytestmark = tensorflow_only

TEXTS = [list(column) for column in zip(*PAIRS, strict=True)]
NAMES = {
    "token_ids": "input_ids",
    "padding_mask": "attention_mask",
    "segment_ids": "token_type_ids",
}
# Of TensorFlow 1.15, what these encoders need.
OLD_OPERATIONS = {
    *("Const", "Identity", "Placeholder", "Cast", "StopGradient"),
    *("AddV2", "BiasAdd", "Mul", "Neg", "RealDiv", "Sub", "MatMul"),
    *("BatchMatMulV2", "Einsum", "Erf", "Rsqrt", "Softmax", "Square"),
    *("SquaredDifference", "Tanh", "Max", "Maximum", "Mean", "Prod", "Sum"),
    *("Greater", "Less", "SelectV2", "BroadcastTo", "ConcatV2", "ExpandDims"),
    *("GatherV2", "Pack", "Reshape", "Shape", "Slice", "StridedSlice"),
    "Transpose",
}


MODELS = {
    "pooler": spread_model,
    "no segments": lambda: without_segments(num_classes=3, pooling="max"),
    "KerasHub": lambda: spread_model(tiny_backbone()),
    "vectors": lambda: bi_model(projection_dim=5, normalize=False),
}


def read(path):
    graph_def = tf.compat.v1.GraphDef()
    graph_def.ParseFromString(path.read_bytes())
    return graph_def


def run(graph_def, output, features):
    graph = tf.Graph()
    with graph.as_default():
        tf.compat.v1.import_graph_def(graph_def, name="imported")
    feed = {
        f"imported/{NAMES[name]}:0": value for name, value in features.items()
    }
    with tf.compat.v1.Session(graph=graph) as session:
        return session.run(f"imported/{output}:0", feed)


def packed(model):
    if isinstance(model, CrossEncoder):
        return model.preprocessor.pack(*TEXTS)
    packer = model.preprocessor.packer
    return packer.pack_ids(packer.tokenize(TEXTS[0]))


@pytest.mark.parametrize("name", MODELS)
def test_the_graph_gives_what_the_model_gives(name, tmp_path):
    model = MODELS[name]()
    path = tmp_path / "graphs" / "model.pb"
    report = export_frozen_graph(model, path)
    assert isinstance(report, ExportReport)
    assert report.bytes == path.stat().st_size
    assert 0 < report.seconds < 3600
    assert 0 <= report.max_difference < 1e-5
    is_vectors = isinstance(model, BiEncoder)
    assert (report.max_vector_difference is not None) == is_vectors
    assert [file.name for file in path.parent.iterdir()] == ["model.pb"]

    graph_def = read(path)
    placeholders = [n for n in graph_def.node if n.op == "Placeholder"]
    features = packed(model)
    assert [n.name for n in placeholders] == [NAMES[f] for f in features]
    for node in placeholders:
        assert node.attr["dtype"].type == tf.int32.as_datatype_enum
        sizes = [dim.size for dim in node.attr["shape"].shape.dim]
        assert sizes == [-1, -1]
    output = "sentence_embedding" if is_vectors else "logits"
    expected = model.predict_on_batch(features)
    assert np.ptp(expected) > 0.5
    found = run(graph_def, output, features)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.fixture(scope="module")
def model():
    return spread_model(pooling="mean")


@pytest.fixture(scope="module")
def graph_def(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("frozen") / "model.pb"
    export_frozen_graph(model, path)
    return read(path)


def test_older_programs_know_its_operations(graph_def):
    assert {node.op for node in graph_def.node} <= OLD_OPERATIONS
    assert len(graph_def.library.function) == 0
    # Attributes that came later are left out where they change nothing.
    attributes = {name for node in graph_def.node for name in node.attr}
    assert not {"grad_x", "grad_y", "grad_a", "grad_b"} & attributes


def test_what_nothing_reads_is_left_out(model, graph_def):
    paths = {variable.path for variable in model.variables}
    constants = {n.name for n in graph_def.node if n.op == "Const"} & paths
    assert "head/kernel" in constants
    # The pooler stands beside, and dropout has no place.
    left_out = paths - constants
    assert any("pooler" in path for path in left_out)
    assert all("pooler" in path or "seed" in path for path in left_out)


def test_a_model_of_mixed_precision_exports_its_float32_twin(tmp_path):
    model = spread_model(tiny_encoder(dtype="mixed_bfloat16"))
    assert export_frozen_graph(model, tmp_path / "model.pb").bytes
    constants = [n for n in read(tmp_path / "model.pb").node if n.op == "Const"]
    types = {node.attr["dtype"].type for node in constants}
    assert tf.bfloat16.as_datatype_enum not in types


@pytest.mark.parametrize(
    ("error", "there"), [(0.01, False), (float("nan"), True)]
)
def test_a_graph_that_gives_other_logits_is_not_handed_over(
    model, tmp_path, monkeypatch, error, there
):
    make = frozen_graph._graph_def

    def broken(twin):
        graph_def = make(twin)
        [bias] = [n for n in graph_def.node if n.name == "head/bias"]
        value = tf.make_ndarray(bias.attr["value"].tensor)
        moved = tf.make_tensor_proto(value + np.float32(error))
        bias.attr["value"].tensor.CopyFrom(moved)
        return graph_def

    monkeypatch.setattr(frozen_graph, "_graph_def", broken)
    if there:
        (tmp_path / "model.pb").write_text("served")
    message = "exported scores differ from .* more than 1e-04; nothing was wri"
    with pytest.raises(RuntimeError, match=message):
        export_frozen_graph(model, tmp_path / "model.pb")
    assert [file.name for file in tmp_path.iterdir()] == ["model.pb"] * there
    if there:
        assert (tmp_path / "model.pb").read_text() == "served"


@pytest.fixture
def no_trace(monkeypatch):
    def refuse(*arguments):
        pytest.fail("the long work had started")

    monkeypatch.setattr(frozen_graph, "float32_twin", refuse)


@pytest.mark.usefixtures("no_trace")
def test_weights_of_more_than_a_file_holds_are_refused(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr(frozen_graph, "_MOST_BYTES", 1000)
    message = r"at most 2 GiB in float32. Received: .*`export_saved_model`"
    with pytest.raises(ValueError, match=message):
        export_frozen_graph(model, tmp_path / "model.pb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_trace")
def test_another_backend_is_refused_at_once(model, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    message = "`export_frozen_graph` traces.*'jax'.*KERAS_BACKEND=tensorflow"
    with pytest.raises(RuntimeError, match=message):
        export_frozen_graph(model, tmp_path / "model.pb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_trace")
def test_a_model_without_a_tokenizer_is_refused_at_once(tmp_path):
    bare = CrossEncoder(tiny_encoder(), name="bare")
    with pytest.raises(ValueError, match="`bare` has no preprocessor"):
        export_frozen_graph(bare, tmp_path / "model.pb")


def test_what_is_no_model_is_refused(tmp_path):
    message = "`export_frozen_graph` takes a `CrossEncoder`.* Received: a str"
    with pytest.raises(TypeError, match=message):
        export_frozen_graph("preset", tmp_path / "model.pb")


def test_a_folder_in_the_way_is_refused(model, tmp_path):
    (tmp_path / "model.pb").mkdir()
    with pytest.raises(IsADirectoryError, match="model.pb is a folder"):
        export_frozen_graph(model, tmp_path / "model.pb")
