"""Ranks are found without the weights, which may be gigabytes."""

import numpy as np
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto

import semmatch.export.ranks
from semmatch.export.ranks import ranks_of


def reshaped():
    """A large table looked up, and reshaped by a small constant."""
    table = np.zeros((300, 4), "float32")
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Gather", ["table", "ids"], ["found"]),
                helper.make_node("Reshape", ["found", "shape"], ["rows"]),
                helper.make_node("Reshape", ["found", "free"], ["unknown"]),
            ],
            "reshaped",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, [2, 3]),
                helper.make_tensor_value_info("free", TensorProto.INT64, None),
            ],
            [helper.make_tensor_value_info("rows", TensorProto.FLOAT, None)],
            [
                numpy_helper.from_array(table, "table"),
                numpy_helper.from_array(np.array([-1, 4]), "shape"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )


def test_ranks_of_what_a_graph_computes():
    model = reshaped()
    before = model.SerializeToString()
    ranks = ranks_of(model)
    assert (ranks["ids"], ranks["found"], ranks["rows"]) == (2, 3, 2)
    assert "unknown" not in ranks
    assert model.SerializeToString() == before


def test_only_small_constants_are_looked_into(monkeypatch):
    # One of two numbers is a weight then, and says no shape any more.
    monkeypatch.setattr(semmatch.export.ranks, "_MOST_NUMBERS", 1)
    ranks = ranks_of(reshaped())
    assert ranks["found"] == 3
    inferred = []
    monkeypatch.setattr(
        semmatch.export.ranks.onnx.shape_inference,
        "infer_shapes",
        lambda model: inferred.append(model) or model,
    )
    monkeypatch.setattr(semmatch.export.ranks, "_MOST_NUMBERS", 1024)
    ranks_of(reshaped())
    assert [tensor.name for tensor in inferred[0].graph.initializer] == [
        "shape"
    ]
