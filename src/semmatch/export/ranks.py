"""How many dimensions the values of an ONNX graph have."""

import math

import onnx

# Of constants with more numbers than this the shape alone is looked at: they
# are weights, and no shapes of something else.
_MOST_NUMBERS = 1024


def ranks_of(model):
    """The ranks of what a graph computes.

    Args:
        model: `onnx.ModelProto` of any size.

    Returns:
        A dict from the name of a value to its number of dimensions, an int.
        Values of which ONNX cannot tell it are not in it.

    >>> from onnx import helper
    >>> graph = helper.make_graph(
    ...     [helper.make_node("Neg", ["x"], ["y"])],
    ...     "negative",
    ...     [helper.make_tensor_value_info("x", 1, ["rows", 3])],
    ...     [helper.make_tensor_value_info("y", 1, None)],
    ... )
    >>> ranks_of(helper.make_model(graph))
    {'y': 2, 'x': 2}
    """
    inferred = onnx.shape_inference.infer_shapes(_without_weights(model)).graph
    return {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in [*inferred.value_info, *inferred.output, *inferred.input]
        if value.type.tensor_type.HasField("shape")
    }


def _without_weights(model):
    """The model with inputs for weights: inference copies what it is given."""
    graph = model.graph
    inputs, constants = list(graph.input), []
    for tensor in graph.initializer:
        if math.prod(tensor.dims) > _MOST_NUMBERS:
            weight = onnx.helper.make_tensor_value_info(
                tensor.name, tensor.data_type, tensor.dims
            )
            inputs.append(weight)
        else:
            constants.append(tensor)
    light = onnx.helper.make_graph(
        graph.node, graph.name, inputs, graph.output, constants
    )
    return onnx.helper.make_model(
        light, opset_imports=model.opset_import, ir_version=model.ir_version
    )
