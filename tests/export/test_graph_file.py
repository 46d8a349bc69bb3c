"""Graphs whose weights are beyond one file have a second one."""

import json
import shutil

import numpy as np
import onnx
import pytest

import semmatch.export.graph_file
from semmatch import export_onnx
from semmatch import Matcher
from semmatch.data import Pairs
from semmatch.export.graph_file import save_graph
from tests.checks import tensorflow_only
from tests.export.models import PAIRS
from tests.export.models import spread_model

pytestmark = tensorflow_only

DATA = Pairs(*map(list, zip(*PAIRS, strict=True)))
LARGE = {"model.onnx", "model.onnx.data", "semmatch.json", "tokenizer.json"}


@pytest.fixture
def small_files(monkeypatch):
    """As if a file could hold 2,000 bytes."""
    monkeypatch.setattr(semmatch.export.graph_file, "MOST_BYTES", 2000)


@pytest.fixture(scope="module")
def model():
    return spread_model()


def names_in(folder):
    return {file.name for file in folder.iterdir()}


def has_weights_beside(folder):
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    return any(
        tensor.data_location == onnx.TensorProto.EXTERNAL
        for tensor in model.graph.initializer
    )


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("quantize", [None, "int8", "int8-static"])
def test_weights_beyond_a_file_are_beside_it(model, tmp_path, quantize):
    folder = tmp_path / "deploy"
    data = DATA if quantize == "int8-static" else None
    report = export_onnx(model, folder, quantize=quantize, data=data)
    # Integers of 8 bits are too small here to be put beside.
    assert (names_in(folder) == LARGE) is (quantize is None)
    assert report.bytes == sum(file.stat().st_size for file in folder.iterdir())
    found = Matcher(folder).score(PAIRS)
    atol = 1e-5 if quantize is None else 0.3
    np.testing.assert_allclose(found, model.score(PAIRS), atol=atol)
    onnx.checker.check_model(onnx.load(folder / "model.onnx"))


@pytest.mark.usefixtures("small_files")
def test_the_second_file_is_guarded_too(model, tmp_path):
    folder = tmp_path / "deploy"
    export_onnx(model, folder)
    assert has_weights_beside(folder)
    record = json.loads((folder / "semmatch.json").read_text("utf-8"))
    assert set(record["files"]) == LARGE - {"semmatch.json"}
    moved = shutil.move(folder, tmp_path / "moved")
    Matcher(moved).score(PAIRS[:1])
    (tmp_path / "moved" / "model.onnx.data").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks model\.onnx\.data"):
        Matcher(moved)


def test_a_smaller_graph_drops_the_second_file(model, tmp_path, monkeypatch):
    folder = tmp_path / "deploy"
    with monkeypatch.context() as patch:
        patch.setattr(semmatch.export.graph_file, "MOST_BYTES", 2000)
        export_onnx(model, folder)
    assert names_in(folder) == LARGE
    export_onnx(model, folder)
    assert names_in(folder) == LARGE - {"model.onnx.data"}
    assert not has_weights_beside(folder)
    np.testing.assert_allclose(
        Matcher(folder).score(PAIRS), model.score(PAIRS), atol=1e-5
    )


@pytest.mark.usefixtures("small_files")
def test_a_second_file_replaces_the_one_before(tmp_path):
    path = tmp_path / "model.onnx"
    for value in (1, 2):
        weight = np.full((100, 100), value, "float32")
        graph = onnx.GraphProto()
        graph.initializer.append(onnx.numpy_helper.from_array(weight, "weight"))
        save_graph(onnx.helper.make_model(graph), path)
    assert (tmp_path / "model.onnx.data").stat().st_size == 40_000
    [weight] = onnx.load(path).graph.initializer
    assert (onnx.numpy_helper.to_array(weight) == 2).all()


@pytest.mark.slow
def test_more_than_a_protobuf_holds_is_written(tmp_path):
    # 2.25 GiB, nothing of which is pretended.
    graph = onnx.GraphProto()
    weight = np.ones((2**13, 2**13), "float32")
    for place in range(9):
        name = f"weight_{place}"
        graph.initializer.append(onnx.numpy_helper.from_array(weight, name))
    save_graph(onnx.helper.make_model(graph), tmp_path / "model.onnx")
    size = (tmp_path / "model.onnx.data").stat().st_size
    assert size >= 9 * 2**28
    found = onnx.load(tmp_path / "model.onnx", load_external_data=False)
    assert len(found.graph.initializer) == 9
