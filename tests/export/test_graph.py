"""From functions of Keras variables to ONNX graphs."""

import logging
import math

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from tests.checks import randomise
from tests.checks import tensorflow_only
from tests.checks import to_numpy

pytestmark = tensorflow_only


def dense(units=3, **kwargs):
    layer = keras.layers.Dense(units, **kwargs)
    layer.build((None, 4))
    randomise(layer)
    return layer


def signature():
    import tensorflow as tf

    return [tf.TensorSpec((None, 4), tf.float32, name="vectors")]


def convert(function, layers):
    from semmatch.export.graph import to_onnx

    variables = [v for layer in layers for v in layer.variables]
    return to_onnx(function, variables, signature())


def run(graph, vectors, names=None):
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    return session.run(names, {"vectors": vectors})


def vectors(rows):
    return np.random.default_rng(0).normal(size=(rows, 4)).astype("float32")


def test_outputs_are_named_and_computed_with_the_variables():
    first, second = dense(name="first"), dense(2, name="second")
    graph = convert(
        lambda x: {"small": second(x), "large": first(x)}, [first, second]
    )
    for rows in (1, 5):  # any batch
        large, small = run(graph, vectors(rows), ["large", "small"])
        for got, layer in ((large, first), (small, second)):
            kernel, bias = map(to_numpy, layer.variables)
            expected = vectors(rows) @ kernel + bias
            np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_weights_are_initializers_under_their_paths_and_no_inputs():
    layer = dense(name="only")
    graph = convert(lambda x: {"y": layer(x)}, [layer]).graph
    assert [node.name for node in graph.input] == ["vectors"]
    arrays = {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in graph.initializer
    }
    for variable in layer.variables:
        np.testing.assert_array_equal(arrays[variable.path], to_numpy(variable))


def test_variables_that_the_function_does_not_read_stay_out():
    used, unused = dense(name="used"), dense(name="unused")
    graph = convert(lambda x: {"y": used(x)}, [used, unused]).graph
    names = " ".join(tensor.name for tensor in graph.initializer)
    assert "used/kernel" in names
    assert "unused" not in names
    assert [node.name for node in graph.input] == ["vectors"]


def test_a_variable_read_twice_is_stored_once():
    layer = dense(name="twice")
    graph = convert(lambda x: {"y": layer(x) * 2 + layer(-x)}, [layer])
    kernel, bias = map(to_numpy, layer.variables)
    expected = vectors(2) @ kernel + 3 * bias
    np.testing.assert_allclose(
        run(graph, vectors(2))[0], expected, rtol=1e-5, atol=1e-5
    )
    names = [tensor.name for tensor in graph.graph.initializer]
    assert names.count(layer.kernel.path) == 1


def test_the_graph_is_of_an_opset_with_plain_means():
    graph = convert(
        lambda x: {"y": keras.ops.mean(x, axis=1, keepdims=True)}, []
    )
    opsets = {opset.domain: opset.version for opset in graph.opset_import}
    assert opsets[""] >= 18
    assert "ReduceMean" in [node.op_type for node in graph.graph.node]


def test_two_variables_of_one_path_are_refused():
    layers = [dense(name="same"), dense(name="same")]
    with pytest.raises(ValueError, match="share a path.*different names"):
        convert(lambda x: {"y": layers[0](x) + layers[1](x)}, layers)


def test_the_converter_s_log_is_as_loud_after_as_before():
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        convert(lambda x: {"y": x}, [])
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(level)


def test_the_exact_gelu_of_keras_is_converted():
    # Of tf2onnx's operations it lacks the one that this is made of.
    graph = convert(lambda x: {"y": keras.ops.gelu(x, approximate=False)}, [])
    inputs = 3 * vectors(9)
    expected = [
        [x / 2 * math.erfc(-x / math.sqrt(2)) for x in row]
        for row in inputs.tolist()
    ]
    [found] = run(graph, inputs)
    np.testing.assert_allclose(found, expected, atol=1e-6)
