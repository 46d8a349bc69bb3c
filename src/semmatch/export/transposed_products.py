"""Products that read their second factor as it lies in memory."""

import collections

from semmatch.export.graph_edit import CONTRIB
from semmatch.export.graph_edit import GraphEdit
from semmatch.export.graph_edit import inputs_of


def fuse_transposes(model):
    """Has a product turn its second factor itself.

    Keys are put in an order in which a head's components are no longer side
    by side, one number at a time and on one thread. onnxruntime's own product
    takes them side by side.

    Args:
        model: `onnx.ModelProto`, which is changed and then is onnxruntime's
            (and OpenVINO's) alone.

    >>> from onnx import helper
    >>> graph = helper.make_graph(
    ...     [
    ...         helper.make_node("Transpose", ["key"], ["k"], perm=[0, 2, 1]),
    ...         helper.make_node("MatMul", ["query", "k"], ["scores"]),
    ...     ],
    ...     "scores",
    ...     [
    ...         helper.make_tensor_value_info("query", 1, [1, 2, 8]),
    ...         helper.make_tensor_value_info("key", 1, [1, 3, 8]),
    ...     ],
    ...     [helper.make_tensor_value_info("scores", 1, [1, 2, 3])],
    ... )
    >>> model = helper.make_model(graph)
    >>> fuse_transposes(model)
    >>> [node.op_type for node in model.graph.node]
    ['FusedMatMul']
    """
    edit = GraphEdit(model, "turned")
    reads = collections.Counter(
        name for node in model.graph.node for name in inputs_of(node)
    )
    reads.update(value.name for value in model.graph.output)
    turned = {
        node.output[0]: node
        for node in model.graph.node
        if reads[node.output[0]] == 1 and _moves_components(node)
    }
    products = {
        node.input[1]
        for node in model.graph.node
        if node.op_type == "MatMul" and node.input[1] in turned
    }
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in products:
            edit.add(
                "FusedMatMul",
                node.input[0],
                _write_rows(edit, turned[node.input[1]]),
                output=node.output[0],
                domain=CONTRIB,
                transB=1,
            )
        elif node.output[0] not in products:
            edit.keep(node)
    edit.finish()


def _moves_components(node):
    """Whether the last axis becomes the last but one."""
    if node.op_type != "Transpose":
        return False
    order = [axis for a in node.attribute for axis in a.ints]
    return len(order) > 2 and order[-2] == len(order) - 1


def _write_rows(edit, node):
    """What a `Transpose` does to the axes before the last alone."""
    [attribute] = node.attribute
    order = [*attribute.ints]
    order[-2:] = order[-1], order[-2]
    if order == sorted(order):
        return node.input[0]
    return edit.add("Transpose", node.input[0], perm=order)
