"""Products that turn a factor themselves compute what they did."""

import numpy as np
import onnxruntime
import pytest
from onnx import helper
from onnx import TensorProto

from semmatch.export.transposed_products import fuse_transposes

RANDOM = np.random.default_rng(0)
SHAPES = {"query": (2, 3, 5, 4), "key": (2, 6, 3, 4)}
VALUES = {
    name: RANDOM.normal(size=shape).astype("float32")
    for name, shape in SHAPES.items()
}


def model_of(nodes, outputs=("y",), shapes=SHAPES):
    def value(name, shape=None):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "graph",
        [value(name, shape) for name, shape in shapes.items()],
        [value(name) for name in outputs],
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def run(model, values):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, values)


def fused(model, values=VALUES):
    """The kinds and orders of the nodes that compute the same."""
    before = run(model, values)
    fuse_transposes(model)
    for one, other in zip(before, run(model, values), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    return [
        (node.op_type, *([*a.ints] for a in node.attribute if a.ints))
        for node in model.graph.node
    ]


def scores(order):
    return [
        helper.make_node("Transpose", ["key"], ["turned"], perm=order),
        helper.make_node("MatMul", ["query", "turned"], ["y"]),
    ]


def test_the_rows_of_a_product_stay_whole():
    found = fused(model_of(scores([0, 2, 3, 1])))
    assert found == [("Transpose", [0, 2, 1, 3]), ("FusedMatMul",)]


def test_nothing_is_left_to_transpose():
    values = {**VALUES, "key": VALUES["key"].transpose(0, 2, 1, 3)}
    shapes = {name: value.shape for name, value in values.items()}
    model = model_of(scores([0, 1, 3, 2]), shapes=shapes)
    assert fused(model, values) == [("FusedMatMul",)]


def test_what_something_else_reads_is_left():
    model = model_of(scores([0, 2, 3, 1]), outputs=("y", "turned"))
    assert [kind for kind, *_ in fused(model)] == ["Transpose", "MatMul"]


def test_what_a_branch_reads_is_left():
    def branch(kind):
        node = helper.make_node(kind, ["turned"], [kind])
        value = helper.make_tensor_value_info(kind, TensorProto.FLOAT, None)
        return helper.make_graph([node], kind, [], [value])

    choice = helper.make_node(
        "If",
        ["choose"],
        ["chosen"],
        then_branch=branch("Neg"),
        else_branch=branch("Abs"),
    )
    model = model_of([*scores([0, 2, 3, 1]), choice], outputs=("y", "chosen"))
    choose = helper.make_tensor_value_info("choose", TensorProto.BOOL, [])
    model.graph.input.append(choose)
    found = fused(model, {**VALUES, "choose": np.array(True)})
    assert [kind for kind, *_ in found] == ["Transpose", "MatMul", "If"]


@pytest.mark.parametrize(
    ("order", "nodes"),
    [
        # No product reads it.
        ([0, 2, 3, 1], [helper.make_node("Neg", ["turned"], ["y"])]),
        # It is the first factor.
        (
            [0, 2, 3, 1],
            [
                helper.make_node("Neg", ["query"], ["other"]),
                helper.make_node("MatMul", ["turned", "other"], ["y"]),
            ],
        ),
        # Components stay side by side.
        ([0, 2, 1, 3], [helper.make_node("MatMul", ["turned", "w"], ["y"])]),
    ],
)
def test_other_transposes_are_left(order, nodes):
    turn = helper.make_node("Transpose", ["key"], ["turned"], perm=order)
    values = dict(VALUES)
    values["query"] = RANDOM.normal(size=(2, 3, 6, 7)).astype("float32")
    values["w"] = RANDOM.normal(size=(4, 2)).astype("float32")
    shapes = {name: value.shape for name, value in values.items()}
    found = fused(model_of([turn, *nodes], shapes=shapes), values)
    kinds = [kind for kind, *_ in found]
    assert kinds == ["Transpose", *(node.op_type for node in nodes)]
