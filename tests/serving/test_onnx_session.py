"""Graphs are computed by onnxruntime, or it is said why not."""

import configparser
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from semmatch.serving.onnx_session import OLDEST
from semmatch.serving.onnx_session import OnnxSession
from tests.serving.graphs import outputs
from tests.serving.graphs import sum_graph
from tests.serving.graphs import TOKENIZER

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path):
    onnx.save(sum_graph(width=3), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_it_computes_the_graph_and_says_what_it_is(path):
    session = OnnxSession(path, 1)
    assert session.version == f"onnxruntime {onnxruntime.__version__}"
    assert session.inputs == ["input_ids", "attention_mask"]
    [(name, shape)] = session.outputs.items()
    assert (name, shape[-1]) == ("logits", 3)
    ids = np.random.default_rng(1).integers(
        TOKENIZER.vocabulary_size, size=(4, 5)
    )
    mask = np.arange(5) < np.array([[5], [3], [1], [0]])
    found = session.run(
        "logits", {"input_ids": ids, "attention_mask": mask.astype("int64")}
    )
    assert found.dtype == np.float32
    expected = outputs({"token_ids": ids, "padding_mask": mask}, 3)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("num_threads", [1, 3])
def test_one_thread_has_a_session_of_its_own(path, monkeypatch, num_threads):
    threads = []
    load = onnxruntime.InferenceSession

    class Recording:
        def __init__(self, path, options, **kwargs):
            self.threads = options.intra_op_num_threads
            self.session = load(path, options, **kwargs)
            self.get_inputs = self.session.get_inputs
            self.get_outputs = self.session.get_outputs
            loaded.append(self.threads)

        def run(self, names, inputs):
            threads.append(self.threads)
            return self.session.run(names, inputs)

    loaded = []
    monkeypatch.setattr(onnxruntime, "InferenceSession", Recording)
    session = OnnxSession(path, num_threads)
    inputs = {name: np.ones((2, 3), "int64") for name in session.inputs}
    all_threads = session.run("logits", inputs)
    alone = session.run("logits", inputs, one_thread=True)
    np.testing.assert_array_equal(alone, all_threads)
    assert threads == [num_threads, 1]
    assert loaded == sorted({num_threads, 1}, reverse=True)


@pytest.mark.parametrize("version", ["1.19.2", "1.9.0", "0.99"])
def test_an_onnxruntime_too_old_is_refused(path, monkeypatch, version):
    monkeypatch.setattr(onnxruntime, "__version__", version)
    message = (
        "need onnxruntime 1.20 or newer. Received: onnxruntime "
        f"{version}. Run: pip install --upgrade onnxruntime"
    )
    with pytest.raises(RuntimeError, match=message):
        OnnxSession(path, 1)


@pytest.mark.parametrize("version", ["1.20.0", "1.100.0.dev20270101", "2.0.1"])
def test_a_newer_onnxruntime_is_taken(path, monkeypatch, version):
    monkeypatch.setattr(onnxruntime, "__version__", version)
    assert OnnxSession(path, 1).version == f"onnxruntime {version}"


def test_the_oldest_is_the_bound_that_is_installed_by():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    oldest = ".".join(map(str, OLDEST))
    assert f"\nonnxruntime>={oldest}," in setup["options"]["install_requires"]


def newer_format(model):
    model.ir_version = 999


def newer_operators(model):
    model.opset_import[0].version = 999


def unknown_operator(model):
    model.graph.node[-1].op_type = "ReduceAll"


@pytest.mark.parametrize(
    "change", [newer_format, newer_operators, unknown_operator]
)
def test_a_graph_that_is_too_new_is_refused(path, change):
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    message = (
        f"onnxruntime {onnxruntime.__version__} cannot load .*model.onnx: .*"
        "Install the onnxruntime that semmatch.json names"
    )
    with pytest.raises(RuntimeError, match=f"(?s){message}"):
        OnnxSession(path, 1)


@pytest.mark.parametrize("content", [b"", b"graph" * 100])
def test_what_is_no_graph_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r"(?s)cannot load .*model.onnx: "):
        OnnxSession(path, 1)
