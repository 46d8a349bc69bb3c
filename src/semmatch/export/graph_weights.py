"""What a graph does to weights alone, done once."""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from semmatch.export.graph_edit import inputs_of

# Operations that make nothing larger than what they read: a `Mul` of weights
# is by a number.
_OF_WEIGHTS = {
    "Cast",
    "Concat",
    "Gather",
    "Mul",
    "ReduceProd",
    "Reshape",
    "Shape",
    "Slice",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
}


def fold_weights(model):
    """Replaces nodes that rearrange or scale weights by their results.

    Keras's `EinsumDense`, of which KerasHub's attention is made, becomes a
    product with a kernel that is transposed and reshaped in the graph, and a
    `Gemm` without a bias. Afterwards it is a `MatMul` with a kernel `(dim,
    width)`, as of any dense layer, which is what quantisation looks for.

    Args:
        model: `onnx.ModelProto`, which is changed.

    >>> from onnx import helper
    >>> kernel = np.arange(6, dtype="float32").reshape(3, 2)
    >>> graph = helper.make_graph(
    ...     [
    ...         helper.make_node("Transpose", ["kernel"], ["turned"]),
    ...         helper.make_node("MatMul", ["x", "turned"], ["y"]),
    ...     ],
    ...     "product",
    ...     [helper.make_tensor_value_info("x", 1, [1, 2])],
    ...     [helper.make_tensor_value_info("y", 1, [1, 3])],
    ...     [onnx.numpy_helper.from_array(kernel, "kernel")],
    ... )
    >>> model = helper.make_model(graph)
    >>> fold_weights(model)
    >>> [node.op_type for node in model.graph.node]
    ['MatMul']
    >>> [list(tensor.dims) for tensor in model.graph.initializer]
    [[2, 3]]
    """
    graph = model.graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    kept = []
    for node in graph.node:
        if (
            node.op_type in _OF_WEIGHTS
            and all(name in known for name in node.input)
            and not outputs & set(node.output)
        ):
            inputs = {name: _array(known, name) for name in node.input}
            evaluator = ReferenceEvaluator(node, opsets=opsets)
            [value] = evaluator.run(None, inputs)
            _know(known, node.output[0], value)
        else:
            kept.append(_product(node, known))
    read = {name for node in kept for name in inputs_of(node)} | outputs
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(
        tensor for name, tensor in known.items() if name in read
    )


def _product(node, known):
    """The node; a `Gemm` that is a product with a kernel alone, as one."""
    if node.op_type != "Gemm":
        return node
    settings = {
        a.name: onnx.helper.get_attribute_value(a) for a in node.attribute
    }
    activation, kernel, *bias = node.input
    if (
        settings.get("alpha", 1) != 1
        or settings.get("transA", 0)
        or (bias and settings.get("beta", 1))
        or kernel not in known
    ):
        return node
    if settings.get("transB", 0):
        turned = f"{kernel}_turned"
        _know(known, turned, _array(known, kernel).T)
        kernel = turned
    return onnx.helper.make_node(
        "MatMul", [activation, kernel], node.output, name=node.name
    )


def _array(known, name):
    return onnx.numpy_helper.to_array(known[name])


def _know(known, name, value):
    known[name] = onnx.numpy_helper.from_array(np.asarray(value), name)
