"""Weights become integers as the formulas say."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto

from semmatch.export.graph_edit import GraphEdit
from semmatch.export.integer_weights import integer_kernel
from semmatch.export.integer_weights import IntegerKernels
from semmatch.export.integer_weights import write_lookup


def lookup(table, **attributes):
    node = helper.make_node("Gather", ["table", "ids"], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "lookup",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(table, "table")],
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def rewritten(model):
    edit = GraphEdit(model, "test")
    [node] = list(model.graph.node)
    assert write_lookup(edit, node)
    edit.finish()
    return model


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_a_table_has_one_scale_and_all_8_bits(axis):
    table = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    attributes = {} if axis is None else {"axis": axis}
    model = rewritten(lookup(table, **attributes))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    [found] = session.run(None, {"ids": np.array([3, 0, 4])})
    scale = np.abs(table).max() / 127
    expected = np.round(table / scale) * scale
    expected = np.take(expected, [3, 0, 4], axis=axis or 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert {
        tensor.name: tensor.data_type for tensor in model.graph.initializer
    }["test/table_entries"] == TensorProto.INT8


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_table_with_what_is_no_number_stays_as_it_is(value):
    # A row that no id reaches would else spoil all the others.
    table = np.ones((5, 6), "float32")
    table[4] = value
    model = lookup(table)
    assert not write_lookup(GraphEdit(model, "test"), model.graph.node[0])


def test_a_table_of_zeros_stays_one():
    model = rewritten(lookup(np.zeros((5, 6), "float32")))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    [found] = session.run(None, {"ids": np.array([3])})
    assert (found == 0).all()


def test_what_is_no_lookup_of_a_table_is_left():
    model = lookup(np.zeros((5, 6), "float32"))
    edit = GraphEdit(model, "test")
    for node in (
        helper.make_node("Gather", ["other", "ids"], ["z"]),
        helper.make_node("Add", ["table", "table"], ["z"]),
    ):
        assert not write_lookup(edit, node)


def test_columns_of_zeros_have_a_scale():
    weights, scale = integer_kernel(np.float32([[0, 2], [0, -126]]))
    assert weights.dtype == np.int8
    assert weights.tolist() == [[0, 1], [0, -63]]
    assert scale.tolist() == [1, 2]


def test_factors_multiply_the_rows_of_a_kernel():
    kernel = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
    factors = np.float32([1, 2, 0.5, 100])
    graph = onnx.GraphProto()
    graph.initializer.append(numpy_helper.from_array(kernel, "kernel"))
    edit = GraphEdit(helper.make_model(graph), "test")
    names = IntegerKernels(edit).make("kernel", factors)
    for name in names:
        edit.add("Identity", name, output=f"{name}_read")
    edit.finish()
    weights, scale = (
        numpy_helper.to_array(tensor) for tensor in edit.model.graph.initializer
    )
    scaled = kernel * factors[:, None]
    np.testing.assert_allclose(scale, np.abs(scaled).max(axis=0) / 63)
    assert np.abs(weights * scale - scaled).max() <= scale.max() / 2 * 1.001
