"""Takes nodes of an ONNX graph out, and puts others in."""

import numpy as np
import onnx

# Of onnxruntime: there is one operation for what would be several passes.
CONTRIB = "com.microsoft"


def inputs_of(node):
    """The names that a node reads, those of graphs inside it too.

    >>> inputs_of(onnx.helper.make_node("Add", ["x", "y"], ["z"]))
    ['x', 'y']
    """
    names = [*node.input]
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            names += [name for inner in graph.node for name in inputs_of(inner)]
            names += [value.name for value in graph.output]
    return names


class GraphEdit:
    """The nodes that a graph is going to have, in order.

    Args:
        model: `onnx.ModelProto`, which `finish` changes.
        prefix: string, begins the names of all that is added.

    Attributes:
        weights: a dict from the name of each float32 initializer to it.

    >>> from onnx import helper
    >>> graph = helper.make_graph(
    ...     [helper.make_node("Neg", ["x"], ["y"])],
    ...     "negative",
    ...     [helper.make_tensor_value_info("x", 1, [1])],
    ...     [helper.make_tensor_value_info("y", 1, [1])],
    ... )
    >>> model = helper.make_model(graph)
    >>> edit = GraphEdit(model, "new")
    >>> zero = edit.constant("zero", np.float32([0]))
    >>> _ = edit.add("Sub", zero, "x", output="y")
    >>> edit.finish()
    >>> [node.op_type for node in model.graph.node]
    ['Sub']
    """

    def __init__(self, model, prefix):
        self.model = model
        self.prefix = prefix
        self.weights = {
            tensor.name: tensor
            for tensor in model.graph.initializer
            if tensor.data_type == onnx.TensorProto.FLOAT
        }
        self._nodes = []
        self._constants = {}

    def keep(self, node):
        """Takes a node of the graph as it is."""
        self._nodes.append(node)

    def constant(self, name, value):
        """The name of a constant; of one name there is one."""
        name = f"{self.prefix}/{name}"
        if name not in self._constants:
            value = np.asarray(value)
            self._constants[name] = onnx.numpy_helper.from_array(value, name)
        return name

    def add(self, kind, *inputs, output=None, **attributes):
        """Adds a node, and gives the name of its output."""
        output = output or f"{self.prefix}/{kind}_{len(self._nodes)}"
        self._nodes.append(
            onnx.helper.make_node(
                kind, inputs, [output], name=f"{output}_node", **attributes
            )
        )
        return output

    def drop_unread(self):
        """Leaves out the nodes whose outputs nothing reads."""
        read = {value.name for value in self.model.graph.output}
        nodes = []
        for node in reversed(self._nodes):
            if not read.isdisjoint(node.output):
                nodes.append(node)
                read.update(inputs_of(node))
        self._nodes = nodes[::-1]

    def finish(self):
        """Gives the graph its new nodes, and the constants they read."""
        graph, opsets = self.model.graph, self.model.opset_import
        for domain in {node.domain for node in self._nodes} - {""}:
            if domain not in {opset.domain for opset in opsets}:
                opsets.append(onnx.helper.make_opsetid(domain, 1))
        read = {name for node in self._nodes for name in inputs_of(node)}
        kept = [tensor for tensor in graph.initializer if tensor.name in read]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(self._nodes)
        graph.initializer.extend([*kept, *self._constants.values()])
