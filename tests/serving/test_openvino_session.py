"""OpenVINO gives what onnxruntime gives, from one thread and from many."""

import concurrent.futures

import numpy as np
import onnx
import pytest

from semmatch import export_onnx
from semmatch import Matcher
from semmatch.serving.openvino_session import OpenvinoSession
from tests.checks import tensorflow_only
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.serving.graphs import outputs
from tests.serving.graphs import sum_graph
from tests.serving.graphs import TOKENIZER

openvino = pytest.importorskip(
    "openvino", reason="needs openvino: pip install 'semmatch[openvino]'"
)


@pytest.fixture
def session(tmp_path):
    onnx.save(sum_graph(width=3), tmp_path / "model.onnx")
    return OpenvinoSession(tmp_path / "model.onnx", 1)


def inputs(rows, length, seed=0):
    random = np.random.default_rng(seed)
    ids = random.integers(TOKENIZER.vocabulary_size, size=(rows, length))
    mask = random.integers(2, size=(rows, length))
    return {"input_ids": ids, "attention_mask": mask}


def expected(inputs):
    features = {
        "token_ids": inputs["input_ids"],
        "padding_mask": inputs["attention_mask"],
    }
    return outputs(features, 3)


def test_it_computes_the_graph_and_says_what_it_is(session):
    assert session.version.startswith("openvino 20")
    assert openvino.__version__.startswith(session.version.split()[1])
    assert session.inputs == ["input_ids", "attention_mask"]
    [(name, shape)] = session.outputs.items()
    assert (name, len(shape), shape[-1]) == ("logits", 2, 3)
    assert isinstance(shape[0], str)  # it is free
    for rows, length in ((4, 5), (1, 9), (4, 5)):
        given = inputs(rows, length)
        found = session.run("logits", given)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected(given), atol=1e-5)


def test_a_result_is_kept_while_others_are_computed(session):
    first = session.run("logits", inputs(2, 5))
    before = first.copy()
    session.run("logits", inputs(2, 5, seed=1))
    np.testing.assert_array_equal(first, before)


def test_eight_threads_get_what_one_gets(session):
    given = [inputs(1 + seed % 7, 8, seed) for seed in range(80)]
    one = [session.run("logits", each) for each in given]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        many = pool.map(lambda each: session.run("logits", each), given)
        for found, wanted in zip(many, one, strict=True):
            np.testing.assert_array_equal(found, wanted)


def save_product(path, kernel, inner):
    """A graph of y = x @ kernel, with further names of x and y inside."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    rows, columns = kernel.shape
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["x"], [f"{inner}/x"]),
            helper.make_node("MatMul", [f"{inner}/x", "kernel"], [inner]),
            helper.make_node("Identity", [inner], ["y"]),
        ],
        "product",
        [helper.make_tensor_value_info("x", kind, [None, rows])],
        [helper.make_tensor_value_info("y", kind, [None, columns])],
        [onnx.numpy_helper.from_array(kernel, "kernel")],
    )
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.save(model, path)


def test_products_are_of_float32(tmp_path):
    random = np.random.default_rng(0)
    kernel = random.normal(size=(256, 64)).astype("float32")
    save_product(tmp_path / "model.onnx", kernel, "product")
    x = random.normal(size=(32, 256)).astype("float32")
    found = OpenvinoSession(tmp_path / "model.onnx", 1).run("y", {"x": x})
    # bfloat16, its own choice on newer processors, is 0.1 away.
    np.testing.assert_allclose(found, x @ kernel, atol=1e-3)


@pytest.mark.parametrize("inner", ["a", "product/MatMul:0", "z"])
def test_the_names_are_the_graphs_whatever_else_it_calls_them(inner, tmp_path):
    save_product(tmp_path / "model.onnx", np.eye(3, dtype="float32"), inner)
    session = OpenvinoSession(tmp_path / "model.onnx", 1)
    assert session.inputs == ["x"]
    assert session.outputs["y"][-1] == 3


def test_a_graph_that_it_does_not_know_is_refused(tmp_path):
    model = sum_graph()
    model.graph.node[-1].op_type = "ReduceAll"
    onnx.save(model, tmp_path / "model.onnx")
    message = r'(?s)openvino 20.* cannot load .*provider="onnxruntime"'
    with pytest.raises(RuntimeError, match=message):
        OpenvinoSession(tmp_path / "model.onnx", 1)


@tensorflow_only
@pytest.mark.filterwarnings("ignore:.* pairs .* have more than")
def test_an_exported_model_scores_as_by_onnxruntime(tmp_path):
    export_onnx(spread_model(), tmp_path)
    plain = Matcher(tmp_path, num_threads=1).score(PAIRS)
    assert np.ptp(plain) > 0.2  # else any model would do
    for num_threads in (1, 2):
        matcher = Matcher(tmp_path, num_threads, provider="openvino")
        # For each length that it meets it compiles.
        assert matcher.packer.multiple == 8
        assert matcher.pair_scorer().at_once is None
        matcher.warm_up()
        scores = matcher.score(PAIRS)
        np.testing.assert_allclose(scores, plain, atol=1e-5)
        alone = np.concatenate([matcher.score([pair]) for pair in PAIRS])
        np.testing.assert_allclose(alone, scores, atol=1e-5)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for found in pool.map(matcher.score, [PAIRS] * 24):
                np.testing.assert_array_equal(found, scores)
