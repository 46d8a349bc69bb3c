"""Weights as integers: kernels of 7 bits, tables of 8."""

import numpy as np
import onnx

# The largest weight, 7 bits: a CPU without VNNI adds up two products of 8 bits
# in 16, and of 8 bits each they are beyond them.
LARGEST_WEIGHT = 63

# Columns of a kernel that are worth it: heads have fewer, cost nothing and
# decide the score.
_LEAST_COLUMNS = 8

# Nothing is multiplied by a table: it may have all 8 bits.
_LARGEST_ENTRY = 127


class IntegerKernels:
    """The kernels of a graph, made integers when they are asked for.

    Args:
        edit: `GraphEdit`.
    """

    def __init__(self, edit):
        self.edit = edit
        self.shapes = {
            tensor.name: tuple(tensor.dims)
            for tensor in edit.weights.values()
            if len(tensor.dims) == 2 and tensor.dims[1] >= _LEAST_COLUMNS
        }
        self._made = {}

    def is_product(self, node):
        """Whether a node multiplies something by such a kernel."""
        return node.op_type == "MatMul" and node.input[1] in self.shapes

    def read(self, name):
        """A kernel as it is, float32 `(dim, width)`."""
        return onnx.numpy_helper.to_array(self.edit.weights[name])

    def make(self, name, factors=None):
        """The integers of a kernel and what they are multiplied by.

        Args:
            name: string.
            factors: float32 `(dim,)`, what its rows are multiplied by before,
                always the same of one kernel; None for 1.

        Returns:
            Two names of constants: int8 `(dim, width)`, and float32
            `(width,)`, a scale for each column.
        """
        if name not in self._made:
            kernel = self.read(name)
            if factors is not None:
                kernel = kernel * factors[:, None]
            weights, scale = integer_kernel(kernel)
            self._made[name] = (
                self.edit.constant(f"{name}_quantized", weights),
                self.edit.constant(f"{name}_scale", scale),
            )
        return self._made[name]


def integer_kernel(kernel):
    """A kernel as integers, each column with a scale of its own.

    Args:
        kernel: float32 `(dim, width)`.

    Returns:
        int8 `(dim, width)` from -63 to 63, and float32 `(width,)`.

    >>> weights, scale = integer_kernel(np.float32([[6.3, 0], [-0.1, 0]]))
    >>> weights.tolist(), [f"{value:.3f}" for value in scale]
    ([[63, 0], [-1, 0]], ['0.100', '1.000'])
    """
    largest = np.abs(kernel).max(axis=0)
    scale = np.where(largest == 0, 1, largest / LARGEST_WEIGHT)
    weights = np.round(kernel / scale).astype("int8")
    return weights, scale.astype("float32")


def write_lookup(edit, node):
    """Writes a `Gather` of a table's rows as one of integers, if it is one.

    Args:
        edit: `GraphEdit`.
        node: `onnx.NodeProto`.

    Returns:
        bool, whether it was one.
    """
    if node.op_type != "Gather" or node.input[0] not in edit.weights:
        return False
    name, rows = node.input
    table = onnx.numpy_helper.to_array(edit.weights[name])
    largest = np.abs(table).max(initial=0)
    if not np.isfinite(largest):
        return False  # There is one scale, and other rows may be read.
    scale = np.float32(largest / _LARGEST_ENTRY if largest else 1)
    entries = np.round(table / scale).astype("int8")
    [axis] = [a.i for a in node.attribute if a.name == "axis"] or [0]
    found = edit.add(
        "Gather",
        edit.constant(f"{name}_entries", entries),
        rows,
        axis=axis,
    )
    edit.add(
        "DequantizeLinear",
        found,
        edit.constant(f"{name}_entry_scale", scale),
        edit.constant("zero_entry", np.int8(0)),
        output=node.output[0],
    )
    return True
