"""What a graph does to weights alone is done before it is written."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx import TensorProto

from semmatch import export_onnx
from semmatch.export.graph_weights import fold_weights
from tests.checks import tensorflow_only
from tests.checks import tiny_backbone
from tests.export.models import spread_model

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(4, 5)).astype("float32")


def graph_of(nodes, weights, outputs=("y",)):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 5])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in outputs
        ],
        [onnx.numpy_helper.from_array(w, name) for name, w in weights.items()],
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def folded(model):
    """What is left, and that it computes the same."""
    before = run(model)
    fold_weights(model)
    for one, other in zip(before, run(model), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    return model.graph


def run(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": VECTORS})


def kinds(graph):
    return [node.op_type for node in graph.node]


def dims(graph):
    return [tuple(tensor.dims) for tensor in graph.initializer]


def weights(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def test_a_chain_of_nodes_becomes_one_weight():
    nodes = [
        helper.make_node("Shape", ["kernel"], ["shape"]),
        helper.make_node("Gather", ["shape", "last"], ["scalar"]),
        helper.make_node("Unsqueeze", ["scalar", "axis"], ["width"]),
        helper.make_node("Concat", ["any", "width"], ["target"], axis=0),
        helper.make_node("Reshape", ["kernel", "target"], ["rows"]),
        helper.make_node("MatMul", ["x", "rows"], ["y"]),
    ]
    graph = folded(
        graph_of(
            nodes,
            {
                "kernel": weights(5, 1, 3),
                "last": np.array(2),
                "axis": np.array([0]),
                "any": np.array([-1]),
            },
        )
    )
    assert kinds(graph) == ["MatMul"]
    assert dims(graph) == [(5, 3)]


def test_what_is_computed_of_the_input_stays():
    nodes = [
        helper.make_node("Transpose", ["x"], ["turned"]),
        helper.make_node("MatMul", ["turned", "x"], ["y"]),
    ]
    graph = folded(graph_of(nodes, {}))
    assert kinds(graph) == ["Transpose", "MatMul"]


def test_nothing_is_made_larger_than_it_was():
    nodes = [
        helper.make_node("Expand", ["row", "shape"], ["rows"]),
        helper.make_node("Add", ["x", "rows"], ["y"]),
    ]
    graph = folded(
        graph_of(nodes, {"row": weights(1, 5), "shape": np.array([4, 5])})
    )
    assert kinds(graph) == ["Expand", "Add"]


def test_a_weight_that_is_an_output_keeps_its_node():
    nodes = [
        helper.make_node("Transpose", ["kernel"], ["z"]),
        helper.make_node("MatMul", ["x", "kernel"], ["y"]),
    ]
    graph = folded(graph_of(nodes, {"kernel": weights(5, 5)}, ("y", "z")))
    assert kinds(graph) == ["Transpose", "MatMul"]


@pytest.mark.parametrize("turned", [0, 1])
def test_a_gemm_that_is_a_product_is_a_matmul(turned):
    kernel = weights(*((3, 5) if turned else (5, 3)))
    gemm = helper.make_node("Gemm", ["x", "kernel"], ["y"], transB=turned)
    graph = folded(graph_of([gemm], {"kernel": kernel}))
    assert kinds(graph) == ["MatMul"]
    assert dims(graph) == [(5, 3)]


@pytest.mark.parametrize(
    ("inputs", "settings", "kind"),
    [
        (["x", "kernel"], {"alpha": 2.0}, "Gemm"),
        (["kernel", "x"], {"transA": 1, "transB": 1}, "Gemm"),
        (["x", "x"], {"transB": 1}, "Gemm"),
        (["x", "kernel", "bias"], {}, "Gemm"),
        (["x", "kernel", "bias"], {"beta": 0.0}, "MatMul"),
    ],
)
def test_a_gemm_that_does_more_stays(inputs, settings, kind):
    gemm = helper.make_node("Gemm", inputs, ["y"], **settings)
    model = graph_of([gemm], {"kernel": weights(5, 3), "bias": weights(3)})
    assert kinds(folded(model)) == [kind]


@tensorflow_only
def test_all_products_of_a_kerashub_encoder_are_quantised(tmp_path):
    model = spread_model(tiny_backbone())
    export_onnx(model, tmp_path, quantize="int8")
    found = kinds(onnx.load(tmp_path / "model.onnx").graph)
    assert "Gemm" not in found
    # Query, key, value, output and both of the feed-forward; the pooler.
    assert found.count("MatMulIntegerToFloat") == 7
