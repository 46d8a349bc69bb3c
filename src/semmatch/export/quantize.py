"""Products of 8-bit integers, whose activations are quantised as they come."""

import numpy as np
import onnx

from semmatch.export.graph_edit import CONTRIB
from semmatch.export.graph_edit import GraphEdit
from semmatch.export.graph_file import save_graph
from semmatch.export.integer_weights import IntegerKernels
from semmatch.export.integer_weights import write_lookup
from semmatch.export.ranks import ranks_of

# Activations are from -127 to 127, stored from 1 to 255: unsigned by signed is
# what CPUs have instructions for.
_LARGEST_ACTIVATION = 127
_ZERO = 128
# A row of zeros has no scale.
_LEAST = 1e-12


def quantize_int8(path):
    """Replaces an ONNX file by its dynamically quantised form.

    Weights of matrix products become 7 bits, each output channel with a scale
    of its own. What they are multiplied by is quantised as it comes, each row
    (the vector of a token) with a scale of its own, so that a text's result
    does not depend on the texts in the batch with it. Tables of embeddings
    become 8 bits with one scale a table.

    Source: Yao et al. 2022, "ZeroQuant" (its token-wise quantisation).

    Args:
        path: `pathlib.Path` of the file.
    """
    model = onnx.load(path)
    _IntegerProducts(model).write()
    save_graph(model, path)


class _IntegerProducts:
    """Rewrites the products of a model's activations with its kernels."""

    def __init__(self, model):
        self.model = model
        self.edit = GraphEdit(model, "int8")
        self.kernels = IntegerKernels(self.edit)
        self.ranks = ranks_of(model)
        self.products = set()
        # By the name of an activation: several products read the same.
        self.rows = {}

    def write(self):
        for node in list(self.model.graph.node):
            if self.kernels.is_product(node):
                self.product(node)
                self.products.add(node.output[0])
                continue
            if write_lookup(self.edit, node):
                continue
            if node.op_type == "Add" and self.products & set(node.input):
                self.lift_bias(node)
            self.edit.keep(node)
        self.edit.finish()

    def lift_bias(self, node):
        """Makes a row of the bias that is added to a product.

        onnxruntime makes one operation of a bias that is no row and of the
        GELU behind it, which takes twice the time of both.
        """
        for place, name in enumerate(node.input):
            bias = self.edit.weights.get(name)
            if bias is not None and len(bias.dims) == 1:
                row = onnx.numpy_helper.to_array(bias)[None]
                node.input[place] = self.edit.constant(f"{name}_row", row)

    def product(self, node):
        """Writes a product as one of integers, times both scales."""
        activation, kernel = node.input
        dim, width = self.kernels.shapes[kernel]
        rows, scale = self.quantised_rows(activation, dim)
        weights, weight_scale = self.kernels.make(kernel)
        add, constant = self.edit.add, self.edit.constant
        result = add(
            "MatMulIntegerToFloat",
            rows,
            weights,
            # It takes one scale for all rows.
            constant("one", np.float32(1)),
            weight_scale,
            constant("zero", np.uint8(_ZERO)),
            domain=CONTRIB,
        )
        if self.ranks.get(activation) == 2:
            add("Mul", result, scale, output=node.output[0])
            return
        result = add("Mul", result, scale)
        shape = add(
            "Concat",
            add("Shape", activation, end=-1),
            constant(f"width_{width}", np.array([width], "int64")),
            axis=0,
        )
        add("Reshape", result, shape, output=node.output[0])

    def quantised_rows(self, activation, dim):
        """Unsigned rows `(n, dim)` and the scale of each, `(n, 1)`."""
        if activation in self.rows:
            return self.rows[activation]
        add, constant = self.edit.add, self.edit.constant
        rows = activation
        if self.ranks.get(activation) != 2:
            shape = np.array([-1, dim], "int64")
            rows = add("Reshape", rows, constant(f"rows_of_{dim}", shape))
        last = constant("last_axis", np.array([-1], "int64"))
        largest = add(
            "Max",
            add("ReduceMax", rows, last, keepdims=0),
            add("Neg", add("ReduceMin", rows, last, keepdims=0)),
            constant("least", np.float32(_LEAST)),
        )
        most = constant("largest", np.float32(_LARGEST_ACTIVATION))
        scale = add("Div", largest, most)
        # ONNX wants a zero point for each scale.
        zero = constant("zero", np.uint8(_ZERO))
        zeros = add("Expand", zero, add("Shape", scale))
        self.rows[activation] = (
            add("QuantizeLinear", rows, scale, zeros, axis=0),
            add("Unsqueeze", scale, last),
        )
        return self.rows[activation]
