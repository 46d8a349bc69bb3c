"""What is spelled out in many nodes computes the same in one."""

import keras
import keras_hub
import numpy as np
import onnx
import pytest
import tensorflow as tf
from keras import ops
from onnx.reference import ReferenceEvaluator

from semmatch.export import graph
from semmatch.export import graph_patterns
from semmatch.export.graph import to_onnx
from tests.checks import randomise
from tests.checks import tensorflow_only

pytestmark = tensorflow_only

IDS = np.array([[0, 3, 5, 1], [5, 5, 2, -1]], "int32")


def both_forms(function, variables, dtype, monkeypatch):
    """The graph of a function of `x` as it is, and as it is shortened."""
    signature = [tf.TensorSpec((None, None), dtype, name="x")]

    def traced(x):
        return {"y": function(x)}

    short = to_onnx(traced, variables, signature)
    monkeypatch.setattr(graph, "shorten", lambda model: None)
    return to_onnx(traced, variables, signature), short


def check_the_same(function, variables, values, monkeypatch):
    """The kinds of nodes of the short form, which computes what it should."""
    long, short = both_forms(
        function, variables, values.dtype.name, monkeypatch
    )
    expected = np.asarray(function(values))
    for form in (long, short):
        (found,) = ReferenceEvaluator(form).run(None, {"x": values})
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert len(short.graph.node) < len(long.graph.node)
    return [node.op_type for node in short.graph.node]


def test_a_lookup_is_one_node(monkeypatch):
    table = keras.layers.Embedding(6, 4)
    table.build()
    kinds = check_the_same(table, table.variables, IDS, monkeypatch)
    assert kinds == ["Gather"]


def test_positions_are_added_in_three(monkeypatch):
    table = keras.layers.Embedding(6, 4)
    positions = keras_hub.layers.PositionEmbedding(9)
    table.build()
    positions.build((None, None, 4))
    randomise(positions)

    def embedded(ids):
        tokens = table(ids)
        return tokens + positions(tokens)

    variables = [*table.variables, *positions.variables]
    kinds = check_the_same(embedded, variables, IDS, monkeypatch)
    assert kinds == ["Gather", "Shape", "Slice", "Add"]


def test_a_normalisation_is_one_node(monkeypatch):
    norm = keras.layers.LayerNormalization(epsilon=0.1)
    norm.build((None, 4))
    randomise(norm)
    rows = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")

    def normed(x):
        return norm(ops.reshape(x, (-1, 4)))

    kinds = check_the_same(normed, norm.variables, rows, monkeypatch)
    assert kinds == ["Reshape", "LayerNormalization"]


def check_left(function, variables, values, monkeypatch):
    """The nodes of something like a form are kept, and compute the same."""
    long, short = both_forms(
        function, variables, values.dtype.name, monkeypatch
    )
    (found,) = ReferenceEvaluator(short).run(None, {"x": values})
    expected = np.asarray(function(values))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    kinds, before = (
        sorted(node.op_type for node in form.graph.node)
        for form in (short, long)
    )
    assert kinds == before


ROWS = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


@pytest.mark.parametrize("axis", [1, (1, 2)])
def test_what_is_normed_over_other_axes_is_left(axis, monkeypatch):
    norm = keras.layers.LayerNormalization(axis=axis)
    norm.build((None, 2, 4))
    randomise(norm)

    def normed(x):
        return norm(ops.reshape(x, (-1, 2, 4)))

    check_left(normed, norm.variables, ROWS, monkeypatch)


@pytest.mark.parametrize("shape", [(1, 2, 4), (1, 2, 1), ()])
def test_scales_that_are_no_vector_are_left(shape, monkeypatch):
    random = np.random.default_rng(1)
    gamma, beta = random.normal(size=(2, *shape)).astype("float32")

    def normed(x):
        x = ops.reshape(x, (-1, 2, 4))
        mean = ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean((x - mean) * (x - mean), axis=-1, keepdims=True)
        scale = ops.rsqrt(variance + 0.1) * gamma
        return x * scale + (-mean * scale + beta)

    check_left(normed, [], ROWS, monkeypatch)


def test_scales_that_are_computed_are_left(monkeypatch):
    dense = keras.layers.Dense(4)
    dense.build((None, 4))

    def normed(x):
        x = ops.reshape(x, (-1, 4))
        return ops.layer_normalization(x, dense(x), dense(x))

    check_left(normed, dense.variables, ROWS, monkeypatch)


def test_positions_from_another_start_are_left(monkeypatch):
    positions = keras_hub.layers.PositionEmbedding(9)
    positions.build((None, None, 4))
    randomise(positions)

    def placed(x):
        tokens = ops.reshape(x, (1, -1, 4))
        return tokens + positions(tokens, start_index=2)

    check_left(placed, positions.variables, ROWS, monkeypatch)


@pytest.mark.parametrize("start", ["other", "computed"])
def test_ids_that_count_from_elsewhere_are_left(start, monkeypatch):
    table = keras.layers.Embedding(9, 4)
    table.build()

    def looked_up(ids):
        first = 0 if start == "other" else tf.reduce_min(ids) + 1
        places = tf.where(ids < first, ids + 8, ids)
        return tf.gather(table.embeddings, places)

    check_left(looked_up, table.variables, IDS, monkeypatch)


def test_what_a_branch_alone_reads_is_kept(monkeypatch):
    def chosen(x):
        x = tf.reshape(x, (-1, 4))
        one, other = x * 3, tf.nn.relu(x) + 1
        return tf.cond(
            tf.reduce_sum(x) > 0, lambda: one * other, lambda: one - other
        )

    for rows in (ROWS, -ROWS):
        check_left(chosen, [], rows, monkeypatch)


def lookup(axis):
    """A lookup along an axis, with places spelled out as Keras does."""
    nodes = [
        ("Cast", ["x"], "float", {"to": onnx.TensorProto.FLOAT}),
        ("Less", ["float", "zero"], "negative", {}),
        ("Not", ["negative"], "positive", {}),
        ("Cast", ["negative"], "is_negative", {"to": onnx.TensorProto.INT64}),
        ("Cast", ["positive"], "is_positive", {"to": onnx.TensorProto.INT64}),
        ("Add", ["x", "size"], "from_end", {}),
        ("Mul", ["is_negative", "from_end"], "one", {}),
        ("Mul", ["x", "is_positive"], "other", {}),
        ("Add", ["one", "other"], "place", {}),
        ("Gather", ["table", "place"], "y", {"axis": axis}),
    ]
    constants = {"zero": np.float32(0), "size": np.int64(3)}
    constants["table"] = np.arange(9, dtype="float32").reshape(3, 3)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(k, i, [o], **a) for k, i, o, a in nodes],
        "lookup",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.INT64, [2])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    opset = onnx.helper.make_opsetid("", 18)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)


@pytest.mark.parametrize(("axis", "nodes"), [(0, 1), (1, 10)])
def test_a_lookup_along_another_axis_is_left(axis, nodes):
    model = lookup(axis)
    places = {"x": np.array([2, -3])}
    expected = ReferenceEvaluator(model).run(None, places)
    graph_patterns.shorten(model)
    assert len(model.graph.node) == nodes
    found = ReferenceEvaluator(model).run(None, places)
    np.testing.assert_array_equal(found, expected)
