"""Products of 8-bit integers, and tables of 8 bits."""

import logging
import os

import numpy as np
import onnx
import onnxruntime.quantization

# The largest weight, 7 bits: a CPU without VNNI adds up two products of 8 bits
# in 16, and of 8 bits each they are beyond them.
_LARGEST_WEIGHT = 63
# Activations are from -127 to 127, stored from 1 to 255: unsigned by signed is
# what CPUs have instructions for.
_LARGEST_ACTIVATION = 127
_ZERO = 128
# A row of zeros has no scale.
_LEAST = 1e-12

# Of onnxruntime: there is one operation for what would be three passes.
_CONTRIB = "com.microsoft"

# Columns of a kernel that are worth it: heads have fewer, cost nothing and
# decide the score.
_LEAST_COLUMNS = 8


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
    temporary = path.with_suffix(".products.onnx")
    model = onnx.load(path)
    _IntegerProducts(model).write()
    onnx.save(model, temporary)
    quantised = path.with_suffix(".int8.onnx")
    # Its advice to preprocess the graph does not help dynamic quantisation.
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        onnxruntime.quantization.quantize_dynamic(
            temporary,
            quantised,
            op_types_to_quantize=["Gather"],
            weight_type=onnxruntime.quantization.QuantType.QInt8,
            extra_options={"DefaultTensorType": 1},  # float, where unknown
        )
    finally:
        logger.setLevel(level)
        temporary.unlink()
    os.replace(quantised, path)


class _IntegerProducts:
    """Rewrites the products of a model's activations with its kernels."""

    def __init__(self, model):
        self.model = model
        floats = [
            tensor
            for tensor in model.graph.initializer
            if tensor.data_type == onnx.TensorProto.FLOAT
        ]
        self.kernels = {
            tensor.name: tensor
            for tensor in floats
            if len(tensor.dims) == 2 and tensor.dims[1] >= _LEAST_COLUMNS
        }
        self.biases = {
            tensor.name: tensor for tensor in floats if len(tensor.dims) == 1
        }
        inferred = onnx.shape_inference.infer_shapes(model).graph
        self.ranks = {
            value.name: len(value.type.tensor_type.shape.dim)
            for value in [*inferred.value_info, *inferred.input]
            if value.type.tensor_type.HasField("shape")
        }
        self.nodes = []
        self.constants = {}
        self.products = set()
        # By the name of an activation: several products read the same.
        self.rows = {}
        self.quantised = {}

    def write(self):
        for node in list(self.model.graph.node):
            if node.op_type == "MatMul" and node.input[1] in self.kernels:
                self.product(node)
                self.products.add(node.output[0])
                continue
            if node.op_type == "Add" and self.products & set(node.input):
                self.lift_bias(node)
            self.nodes.append(node)
        graph = self.model.graph
        read = {name for node in self.nodes for name in node.input}
        kept = [tensor for tensor in graph.initializer if tensor.name in read]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(self.nodes)
        graph.initializer.extend([*kept, *self.constants.values()])
        self.model.opset_import.append(onnx.helper.make_opsetid(_CONTRIB, 1))

    def lift_bias(self, node):
        """Makes a row of the bias that is added to a product.

        onnxruntime makes one operation of a bias that is no row and of the
        GELU behind it, which takes twice the time of both.
        """
        for place, name in enumerate(node.input):
            if name in self.biases:
                bias = onnx.numpy_helper.to_array(self.biases[name])
                node.input[place] = self.constant(f"{name}_row", bias[None])

    def product(self, node):
        """Writes a product as one of integers, times both scales."""
        activation, kernel = node.input
        rows, scale = self.quantised_rows(activation, kernel)
        weights, weight_scale = self.quantised_kernel(kernel)
        zero = self.constant("zero", np.uint8(_ZERO))
        result = self.add(
            "MatMulIntegerToFloat",
            rows,
            weights,
            # It takes one scale for all rows.
            self.constant("one", np.float32(1)),
            weight_scale,
            zero,
            domain=_CONTRIB,
        )
        if self.ranks.get(activation) == 2:
            self.add("Mul", result, scale, output=node.output[0])
            return
        result = self.add("Mul", result, scale)
        width = self.kernels[kernel].dims[1]
        shape = self.add(
            "Concat",
            self.add("Shape", activation, end=-1),
            self.constant(f"width_{width}", np.array([width], "int64")),
            axis=0,
        )
        self.add("Reshape", result, shape, output=node.output[0])

    def quantised_rows(self, activation, kernel):
        """Unsigned rows `(n, dim)` and the scale of each, `(n, 1)`."""
        if activation in self.rows:
            return self.rows[activation]
        rows = activation
        if self.ranks.get(activation) != 2:
            dim = self.kernels[kernel].dims[0]
            shape = np.array([-1, dim], "int64")
            rows = self.add(
                "Reshape", rows, self.constant(f"rows_of_{dim}", shape)
            )
        last = self.constant("last_axis", np.array([-1], "int64"))
        largest = self.add(
            "Max",
            self.add("ReduceMax", rows, last, keepdims=0),
            self.add("Neg", self.add("ReduceMin", rows, last, keepdims=0)),
            self.constant("least", np.float32(_LEAST)),
        )
        scale = self.add(
            "Div",
            largest,
            self.constant("largest", np.float32(_LARGEST_ACTIVATION)),
        )
        # ONNX wants a zero point for each scale.
        zeros = self.add(
            "Expand",
            self.constant("zero", np.uint8(_ZERO)),
            self.add("Shape", scale),
        )
        self.rows[activation] = (
            self.add("QuantizeLinear", rows, scale, zeros, axis=0),
            self.add("Unsqueeze", scale, last),
        )
        return self.rows[activation]

    def quantised_kernel(self, name):
        """Signed weights `(dim, width)` and the scale of each column."""
        if name not in self.quantised:
            kernel = onnx.numpy_helper.to_array(self.kernels[name])
            largest = np.abs(kernel).max(axis=0)
            scale = np.where(largest == 0, 1, largest / _LARGEST_WEIGHT)
            weights = np.round(kernel / scale).astype("int8")
            self.quantised[name] = (
                self.constant(f"{name}_quantized", weights),
                self.constant(f"{name}_scale", scale.astype("float32")),
            )
        return self.quantised[name]

    def constant(self, name, value):
        name = f"int8/{name}"
        if name not in self.constants:
            value = np.asarray(value)
            self.constants[name] = onnx.numpy_helper.from_array(value, name)
        return name

    def add(self, kind, *inputs, output=None, **attributes):
        output = output or f"int8/{kind}_{len(self.nodes)}"
        self.nodes.append(
            onnx.helper.make_node(
                kind, inputs, [output], name=f"{output}_node", **attributes
            )
        )
        return output
