"""From a Keras function to an ONNX graph, in seconds."""

import warnings

import keras
import numpy as np
import onnx

from semmatch.export.graph_patterns import shorten
from semmatch.export.graph_weights import fold_weights

# The first opset at which tf2onnx leaves ReduceMean as it is; before it
# became GlobalAveragePool, which is slow and cannot be fused.
OPSET = 18


def to_onnx(function, variables, signature):
    """Traces a function of a model's features into an ONNX model.

    The variables enter the trace as inputs and become initializers at the
    end. tf2onnx copies every constant dozens of times, which costs a minute
    for an encoder of 4 x 768; inputs it does not touch.

    Args:
        function: from the features that `signature` names to a dict of
            outputs, whose keys become the names of the graph's outputs.
        variables: the `keras.Variable`s that it reads.
        signature: list of `tf.TensorSpec`, one for each positional argument
            of `function`, with names.

    Returns:
        `onnx.ModelProto`.
    """
    import logging

    import tensorflow as tf
    import tf2onnx
    import tf2onnx.handler
    from keras.src.export.tf2onnx_lib import patch_tf2onnx

    # tf2onnx 1.17 calls functions that numpy 2 removed.
    with warnings.catch_warnings():
        # It looks for a name that numpy has dropped.
        warnings.simplefilter("ignore", FutureWarning)
        patch_tf2onnx()
    tf2onnx.handler.tf_op("Erfc")(_Erfc)
    paths = [variable.path for variable in variables]
    if len(set(paths)) < len(paths):
        raise ValueError(
            "Two variables of the model share a path, and initializers are "
            "named by it. Give the layers different names."
        )
    weights = [
        tf.TensorSpec(variable.shape, variable.dtype, name=f"variable_{i}")
        for i, variable in enumerate(variables)
    ]

    @tf.function(input_signature=[*signature, *weights])
    def traced(*arguments):
        features = arguments[: len(signature)]
        values = arguments[len(signature) :]
        state = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=state):
            return function(*features)

    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        model, _ = tf2onnx.convert.from_function(
            traced, traced.input_signature, opset=OPSET
        )
    finally:
        logger.setLevel(level)
    _bind(model.graph, variables)
    fold_weights(model)
    shorten(model)
    _name_dimensions(model.graph)
    return model


class _Erfc:
    """What Keras's exact GELU is made of, which tf2onnx does not convert."""

    @classmethod
    def version_9(cls, graph, node, **_):
        """Puts 1 - erf(x) in the place of erfc(x)."""
        dtype = graph.get_dtype(node.output[0])
        one = np.ones((), onnx.helper.tensor_dtype_to_np_dtype(dtype))
        one = graph.make_const(f"{node.name}_one", one)
        erf = graph.make_node("Erf", node.input)
        graph.remove_node(node.name)
        graph.make_node(
            "Sub",
            [one.output[0], erf.output[0]],
            outputs=node.output,
            name=node.name,
            dtypes=[dtype],
        )


def _bind(graph, variables):
    """Turns the graph inputs of variables into initializers."""
    by_name = {f"variable_{i}": v for i, v in enumerate(variables)}
    used = set()
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in by_name:
                node.input[place] = by_name[name].path
                used.add(name)
    inputs = [node for node in graph.input if node.name not in by_name]
    del graph.input[:]
    graph.input.extend(inputs)
    graph.initializer.extend(
        onnx.numpy_helper.from_array(
            np.asarray(by_name[name]), by_name[name].path
        )
        for name in sorted(used)
    )


def _name_dimensions(graph):
    """Calls what is free of inputs and outputs `batch` and `length`."""
    for value in [*graph.input, *graph.output]:
        dimensions = value.type.tensor_type.shape.dim
        for dimension, name in zip(
            dimensions, ("batch", "length"), strict=False
        ):
            if not dimension.HasField("dim_value"):
                dimension.dim_param = name
