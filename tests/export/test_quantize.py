"""Weights of 8 bits: smaller, and about the same scores."""

import logging

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from semmatch import export_onnx
from semmatch import Matcher
from semmatch import Pairs
from semmatch.export import integer_weights
from semmatch.export.quantize import quantize_int8
from semmatch.models import TextEncoder
from tests.checks import tensorflow_only
from tests.export.models import PAIRS
from tests.export.models import spread_model


def product(kernel):
    """A graph of one matrix product."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    rows, columns = kernel.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "kernel"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", kind, [None, rows])],
        [helper.make_tensor_value_info("y", kind, [None, columns])],
        [onnx.numpy_helper.from_array(kernel, "kernel")],
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def test_each_output_channel_has_a_scale_of_its_own(tmp_path):
    # One scale for all would round the small column to zero.
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(64, 8)) * ([1e-4, 1.0] * 4)
    onnx.save(product(kernel.astype("float32")), tmp_path / "model.onnx")
    quantize_int8(tmp_path / "model.onnx")
    types = {
        tensor.data_type
        for tensor in onnx.load(tmp_path / "model.onnx").graph.initializer
    }
    assert onnx.TensorProto.INT8 in types
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    inputs = generator.normal(size=(9, 64)).astype("float32")
    [outputs] = session.run(None, {"x": inputs})
    expected = inputs @ kernel
    error = np.abs(outputs - expected).max(axis=0) / expected.std(axis=0)
    assert (error < 0.08).all()
    assert (error > 1e-6).any()  # it was quantised


def test_weights_leave_room_for_sums_of_16_bits(tmp_path):
    # A CPU without VNNI adds two products of activation and weight so.
    kernel = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
    onnx.save(product(kernel), tmp_path / "model.onnx")
    quantize_int8(tmp_path / "model.onnx")
    [weights] = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(tmp_path / "model.onnx").graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 2
    ]
    assert weights.shape == (64, 8)
    assert 2 * 255 * np.abs(weights.astype(int)).max() < 2**15
    assert np.abs(weights.astype(int)).max() >= 63  # all of the 7 bits


@pytest.mark.parametrize("shape", [(9, 64), (3, 3, 64)])
def test_each_row_has_a_scale_of_its_own(tmp_path, shape):
    # One scale for all would round the small rows to zero.
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(64, 8)).astype("float32")
    model = product(kernel)
    # Of any rank, as activations are whose rank onnx cannot tell.
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.ClearField("shape")
    onnx.save(model, tmp_path / "model.onnx")
    quantize_int8(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    inputs = generator.normal(size=(9, 64)).astype("float32")
    inputs *= np.logspace(-5, 3, 9, dtype="float32")[:, None]
    inputs[4] = 0
    [outputs] = session.run(None, {"x": inputs.reshape(shape)})
    assert outputs.shape == (*shape[:-1], 8)
    outputs, expected = outputs.reshape(9, 8), inputs @ kernel
    spread = expected.std(axis=1, keepdims=True)
    assert (outputs[4] == 0).all()
    rest = [row for row in range(9) if row != 4]
    error = np.abs(outputs - expected)[rest] / spread[rest]
    assert 1e-6 < error.max() < 0.05


def test_what_reads_the_same_is_quantised_once(tmp_path):
    model = product(np.ones((64, 8), "float32"))
    node = onnx.helper.make_node("MatMul", ["x", "kernel"], ["z"])
    model.graph.node.append(node)
    model.graph.output.append(
        onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, None)
    )
    onnx.save(model, tmp_path / "model.onnx")
    quantize_int8(tmp_path / "model.onnx")
    nodes = onnx.load(tmp_path / "model.onnx").graph.node
    kinds = [node.op_type for node in nodes]
    assert kinds.count("QuantizeLinear") == 1
    assert kinds.count("MatMulIntegerToFloat") == 2


@pytest.mark.parametrize("first", [0, 1])
def test_a_kernel_may_be_a_table_as_well(tmp_path, first):
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(64, 8)).astype("float32")
    model = product(kernel)
    kind, helper = onnx.TensorProto, onnx.helper
    rows = helper.make_node("Gather", ["kernel", "ids"], ["rows"])
    model.graph.node.insert(first, rows)
    model.graph.input.append(
        helper.make_tensor_value_info("ids", kind.INT64, [None])
    )
    model.graph.output.append(
        helper.make_tensor_value_info("rows", kind.FLOAT, None)
    )
    onnx.save(model, tmp_path / "model.onnx")
    quantize_int8(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    vectors = generator.normal(size=(9, 64)).astype("float32")
    found = session.run(["y", "rows"], {"x": vectors, "ids": np.array([3, 60])})
    for one, other in zip(
        found, (vectors @ kernel, kernel[[3, 60]]), strict=True
    ):
        assert 1e-6 < np.abs(one - other).max() / other.std() < 0.1


@tensorflow_only
@pytest.mark.parametrize("quantize", ["int8", "int8-static"])
def test_a_quantised_graph_that_gives_no_numbers_is_not_written(
    tmp_path, monkeypatch, quantize
):
    integers = integer_weights.integer_kernel

    def broken(kernel):
        weights, scale = integers(kernel)
        return weights, scale * np.float32(np.nan)

    monkeypatch.setattr(integer_weights, "integer_kernel", broken)
    data = Pairs(*map(list, zip(*PAIRS, strict=True)))
    with pytest.raises(RuntimeError, match=rf"{quantize!r} gives NaN"):
        export_onnx(
            spread_model(),
            tmp_path / "deploy",
            quantize=quantize,
            data=data if quantize == "int8-static" else None,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_head_of_few_logits_stays_as_it_is(tmp_path):
    kernel = np.random.default_rng(0).normal(size=(64, 7)).astype("float32")
    onnx.save(product(kernel), tmp_path / "model.onnx")
    quantize_int8(tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert [node.op_type for node in graph.node] == ["MatMul"]


@tensorflow_only
def test_a_score_does_not_depend_on_the_rest_of_the_batch(tmp_path):
    keras.utils.set_random_seed(0)
    encoder = TextEncoder(5000, 2, 4, 64, 256, max_sequence_length=16)
    model = spread_model(encoder, pooling="mean")
    export_onnx(model, tmp_path / "int8", quantize="int8")
    matcher = Matcher(tmp_path / "int8")
    together = matcher.score(PAIRS)
    alone = np.concatenate([matcher.score([pair]) for pair in PAIRS])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_nothing_is_left_beside_the_file_and_the_log_is_as_before(tmp_path):
    onnx.save(product(np.ones((8, 8), "float32")), tmp_path / "model.onnx")
    logger = logging.getLogger()
    level = logger.level
    quantize_int8(tmp_path / "model.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert logger.level == level


@tensorflow_only
def test_a_quantised_export_is_small_and_scores_about_the_same(tmp_path):
    keras.utils.set_random_seed(0)
    encoder = TextEncoder(5000, 2, 4, 64, 256, max_sequence_length=16)
    model = spread_model(encoder, pooling="mean")
    plain = export_onnx(model, tmp_path / "float32")
    small = export_onnx(model, tmp_path / "int8", quantize="int8")
    sizes = [
        (tmp_path / name / "model.onnx").stat().st_size
        for name in ("float32", "int8")
    ]
    assert sizes[1] < 0.4 * sizes[0]
    assert small.bytes < plain.bytes
    assert {file.name for file in (tmp_path / "int8").iterdir()} == {
        "model.onnx",
        "semmatch.json",
        "tokenizer.json",
    }
    expected = model.score(PAIRS)
    assert np.ptp(expected) > 0.3
    difference = np.abs(Matcher(tmp_path / "int8").score(PAIRS) - expected)
    assert 1e-6 < difference.max() < 0.05
    assert difference.mean() < 0.02
    # The report tells of the quantised model, not of the one before.
    assert plain.max_difference < 1e-5 < small.max_difference < 0.1


@pytest.mark.parametrize("quantize", ["int4", True, 8])
def test_another_quantisation_is_refused(tmp_path, quantize):
    message = rf"`quantize` must be one of .*int8.*quantize={quantize!r}"
    with pytest.raises(ValueError, match=message):
        export_onnx(None, tmp_path / "deploy", quantize=quantize)
    assert list(tmp_path.iterdir()) == []
