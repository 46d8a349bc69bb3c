"""Statically quantised graphs compute what the rounding says."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto

from semmatch import export_onnx
from semmatch import Matcher
from semmatch.data import Pairs
from semmatch.export.calibration import Range
from semmatch.export.static_int8 import product_inputs
from semmatch.export.static_int8 import quantize_static
from semmatch.models import TextEncoder
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.checks import tiny_backbone
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.models.bi_models import bi_model

DATA = Pairs(*map(list, zip(*PAIRS, strict=True)))


def graph_of(nodes, weights, outputs=("y",)):
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node(*node) for node in nodes],
            "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
                for name in outputs
            ],
            [numpy_helper.from_array(w, name) for name, w in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    return model


def quantised(path, model, ranges):
    """The quantised graph, and a function that runs it."""
    onnx.save(model, path)
    quantize_static(path, ranges)
    session = onnxruntime.InferenceSession(path)
    return onnx.load(path).graph, lambda x: session.run(None, {"x": x})


def simulated(x, kernel, low, high):
    """The product as numpy rounds it, by the formulas alone."""
    spread = np.maximum(-low, high)
    factors = spread**0.75 / np.abs(kernel).max(axis=1) ** 0.25
    step = ((high / factors).max() - (low / factors).min()) / 255
    zero = np.round(-(low / factors).min() / step)
    rounded = np.clip(np.round(x / factors / step) + zero, 0, 255) - zero
    scaled = kernel * factors[:, None]
    scale = np.abs(scaled).max(axis=0) / 63
    return (rounded @ np.round(scaled / scale)) * step * scale


@pytest.fixture
def numbers():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(30, 64)).astype("float32")
    # Components of very different sizes, as behind a GELU, and none symmetric.
    x = (x + 0.3) * np.logspace(-1.5, 1.5, 64, dtype="float32")
    kernel = generator.normal(size=(64, 8)).astype("float32")
    return x, kernel, Range(x.min(axis=0), x.max(axis=0))


@pytest.mark.parametrize("shape", [(30, 64), (5, 6, 64)])
@pytest.mark.parametrize("order", [["m", "bias"], ["bias", "m"]])
def test_a_product_is_that_of_rounded_numbers(tmp_path, numbers, shape, order):
    x, kernel, found = numbers
    bias = np.linspace(-1, 1, 8, dtype="float32")
    model = graph_of(
        [("MatMul", ["x", "kernel"], ["m"]), ("Add", order, ["y"])],
        {"kernel": kernel, "bias": bias},
    )
    graph, run = quantised(tmp_path / "model.onnx", model, {"x": found})
    [outputs] = run(x.reshape(shape))
    assert outputs.shape == (*shape[:-1], 8)
    expected = simulated(x, kernel, found.low, found.high) + bias
    # At a half one of the two may round to the other side.
    near = np.isclose(outputs.reshape(30, 8), expected, rtol=1e-4, atol=1e-3)
    assert near.mean() > 0.9
    exact = x @ kernel + bias
    assert np.abs(outputs.reshape(30, 8) - exact).max() > 1e-3  # rounded
    error = np.abs(outputs.reshape(30, 8) - exact).mean() / exact.std()
    assert error < 0.02
    kinds = [node.op_type for node in graph.node]
    assert kinds == ["Mul", "QuantizeLinear", "MatMulIntegerToFloat"]


def test_what_is_beyond_the_range_counts_as_its_end(tmp_path, numbers):
    x, kernel, found = numbers
    half = Range(found.low / 2, found.high / 2)
    model = graph_of([("MatMul", ["x", "kernel"], ["y"])], {"kernel": kernel})
    _, run = quantised(tmp_path / "model.onnx", model, {"x": half})
    spread = np.maximum(-half.low, half.high)
    factors = spread**0.75 / np.abs(kernel).max(axis=1) ** 0.25
    low, high = (half.low / factors).min(), (half.high / factors).max()
    clipped = np.clip(x / factors, low, high) * factors
    assert np.abs(clipped - x).max() > 1
    error = np.abs(run(x)[0] - clipped @ kernel)
    assert error.mean() < 0.02 * (clipped @ kernel).std()


def test_an_activation_of_zeros_gives_the_bias(tmp_path):
    nothing = np.zeros(64, "float32")
    model = graph_of(
        [("MatMul", ["x", "kernel"], ["m"]), ("Add", ["m", "bias"], ["y"])],
        {"kernel": np.ones((64, 8), "float32"), "bias": np.ones(8, "float32")},
    )
    _, run = quantised(
        tmp_path / "model.onnx", model, {"x": Range(nothing, nothing)}
    )
    assert (run(np.zeros((3, 64), "float32"))[0] == 1).all()


def test_a_sum_stays_one_where_the_product_is_read_by_others(tmp_path, numbers):
    x, kernel, found = numbers
    bias = np.linspace(-1, 1, 8, dtype="float32")
    nodes = [
        ("MatMul", ["x", "kernel"], ["m"]),
        ("Add", ["m", "bias"], ["y"]),
        ("Neg", ["m"], ["z"]),
    ]
    weights = {"kernel": kernel, "bias": bias}
    for name, model in {
        "read": graph_of(nodes, weights, ["y", "z"]),
        "output": graph_of(nodes[:2], weights, ["y", "m"]),
    }.items():
        path = tmp_path / f"{name}.onnx"
        _, run = quantised(path, model, {"x": found})
        total, product = run(x)
        sign = -1 if name == "read" else 1
        np.testing.assert_allclose(total, sign * product + bias, atol=1e-5)


@pytest.mark.parametrize("size", [(1,), (30, 8), (1, 8)])
def test_what_is_no_bias_is_added_as_it_was(tmp_path, numbers, size):
    x, kernel, found = numbers
    more = np.full(size, 100, "float32")
    model = graph_of(
        [("MatMul", ["x", "kernel"], ["m"]), ("Add", ["m", "more"], ["y"])],
        {"kernel": kernel, "more": more},
    )
    graph, run = quantised(tmp_path / "model.onnx", model, {"x": found})
    assert graph.node[-1].op_type == "Add"
    error = np.abs(run(x)[0] - x @ kernel - 100)
    assert error.mean() < 0.02 * (x @ kernel).std()


def test_what_reads_the_same_is_rounded_once(tmp_path, numbers):
    x, kernel, found = numbers
    model = graph_of(
        [
            ("MatMul", ["x", "kernel"], ["y"]),
            ("MatMul", ["x", "other"], ["z"]),
        ],
        {"kernel": kernel, "other": 3 * kernel},
        ["y", "z"],
    )
    graph, run = quantised(tmp_path / "model.onnx", model, {"x": found})
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("QuantizeLinear") == 1
    assert kinds.count("MatMulIntegerToFloat") == 2
    y, z = run(x)
    np.testing.assert_allclose(3 * y, z, rtol=1e-3, atol=1e-2)


def test_a_kernel_of_two_products_is_there_once(tmp_path, numbers):
    # As of a block that is applied several times.
    x, _, found = numbers
    kernel = np.random.default_rng(1).normal(size=(64, 64)).astype("float32")
    model = graph_of(
        [
            ("MatMul", ["x", "kernel"], ["m"]),
            ("MatMul", ["m", "kernel"], ["y"]),
        ],
        {"kernel": kernel},
    )
    middle = x @ kernel
    ranges = {
        "x": found,
        "m": Range(middle.min(axis=0), middle.max(axis=0)),
    }
    graph, run = quantised(tmp_path / "model.onnx", model, ranges)
    kinds = [tensor.data_type for tensor in graph.initializer]
    assert kinds.count(TensorProto.INT8) == 1
    expected = middle @ kernel
    error = np.abs(run(x)[0] - expected).mean() / expected.std()
    assert error < 0.05


def test_a_head_of_few_logits_stays_as_it_is(tmp_path):
    model = graph_of(
        [("MatMul", ["x", "kernel"], ["y"])],
        {"kernel": np.ones((64, 7), "float32")},
    )
    graph, _ = quantised(tmp_path / "model.onnx", model, {})
    assert [node.op_type for node in graph.node] == ["MatMul"]
    assert product_inputs(tmp_path / "model.onnx") == []


def test_activations_of_products_are_named_once_and_in_order(tmp_path):
    kernel = np.ones((8, 8), "float32")
    model = graph_of(
        [
            ("Neg", ["x"], ["n"]),
            ("MatMul", ["n", "a"], ["m"]),
            ("MatMul", ["n", "b"], ["o"]),
            ("MatMul", ["x", "a"], ["p"]),
            ("MatMul", ["m", "o"], ["q"]),
            ("MatMul", ["m", "p"], ["y"]),
        ],
        {"a": kernel, "b": kernel},
    )
    onnx.save(model, tmp_path / "model.onnx")
    assert product_inputs(tmp_path / "model.onnx") == ["n", "x"]


def integer_products(folder):
    nodes = onnx.load(folder / "model.onnx").graph.node
    return sum(node.op_type == "MatMulIntegerToFloat" for node in nodes)


@tensorflow_only
@pytest.mark.parametrize("shared", [False, True])
def test_a_static_export_is_small_and_scores_about_the_same(tmp_path, shared):
    keras.utils.set_random_seed(0)
    encoder = TextEncoder(
        5000, 2, 4, 64, 256, max_sequence_length=16, shared_layers=shared
    )
    model = spread_model(encoder, pooling="mean")
    plain = export_onnx(model, tmp_path / "float32")
    small = export_onnx(
        model, tmp_path / "static", quantize="int8-static", data=DATA
    )
    assert small.quantization == "int8-static"
    assert small.trials == ()
    assert integer_products(tmp_path / "static") == 12
    assert small.bytes < 0.4 * plain.bytes
    expected = model.score(PAIRS)
    assert np.ptp(expected) > 0.3
    matcher = Matcher(tmp_path / "static")
    together = matcher.score(PAIRS)
    difference = np.abs(together - expected)
    assert 1e-6 < difference.max() < 0.1
    assert difference.mean() < 0.03
    alone = np.concatenate([matcher.score([pair]) for pair in PAIRS])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@tensorflow_only
@pytest.mark.filterwarnings("ignore:.* texts .* have more than")
@pytest.mark.parametrize("projection", [None, 8])
def test_vectors_point_where_they_did(tmp_path, projection):
    model = bi_model(projection_dim=projection, pooling="mean")
    export_onnx(model, tmp_path / "static", quantize="int8-static", data=DATA)
    assert integer_products(tmp_path / "static") == 6 + (projection is not None)
    matcher = Matcher(tmp_path / "static")
    found, expected = matcher.encode(TEXTS), model.encode(TEXTS)
    same = (found * expected).sum(axis=1)
    assert same.min() > 0.99
    assert same.min() < 1 - 1e-7  # it was quantised
    alone = np.concatenate([matcher.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(found, alone, atol=1e-6)


@tensorflow_only
def test_a_backbone_of_kerashub_is_quantised(tmp_path):
    model = spread_model(tiny_backbone(), pooling="mean")
    export_onnx(model, tmp_path / "static", quantize="int8-static", data=DATA)
    assert integer_products(tmp_path / "static") == 6
    expected = model.score(PAIRS)
    found = Matcher(tmp_path / "static").score(PAIRS)
    assert 1e-6 < np.abs(found - expected).max() < 0.2
