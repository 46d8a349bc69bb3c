"""Products of 8-bit integers, whose activations have ranges measured before."""

import collections

import numpy as np
import onnx

from semmatch.export.graph_edit import CONTRIB
from semmatch.export.graph_edit import GraphEdit
from semmatch.export.graph_edit import inputs_of
from semmatch.export.graph_file import save_graph
from semmatch.export.integer_weights import IntegerKernels
from semmatch.export.integer_weights import write_lookup
from semmatch.export.smoothing import smoothing_factors

# Activations are stored from 0 to 255.
_LARGEST = 255


def product_inputs(path):
    """The activations that an ONNX file multiplies by its kernels.

    Args:
        path: `pathlib.Path` of the file in float32.

    Returns:
        A list of names, each once, in the order of the graph.
    """
    model = onnx.load(path)
    kernels = IntegerKernels(GraphEdit(model, "static"))
    products = filter(kernels.is_product, model.graph.node)
    return list(dict.fromkeys(node.input[0] for node in products))


def quantize_static(path, ranges):
    """Replaces an ONNX file by its statically quantised form.

    Weights are quantised as by `quantize_int8`. An activation that they are
    multiplied by is smoothed and rounded to 256 steps between the ends of its
    range, and what is beyond them to the nearer end. The ends are known
    before, so that no row is looked at for its largest component, and a
    text's result does not depend on the texts in the batch with it.

    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks
    for Efficient Integer-Arithmetic-Only Inference" (its affine rounding).

    Args:
        path: `pathlib.Path` of the file in float32.
        ranges: dict from each of `product_inputs(path)` to its `Range`.
    """
    model = onnx.load(path)
    _StaticProducts(model, ranges).write()
    save_graph(model, path)


def step_and_zero(low, high):
    """The affine rounding of a vector to 0 to 255.

    Args:
        low: float `(dim,)`, the least value of each component, at most 0.
        high: float `(dim,)`, the largest, at least 0.

    Returns:
        float32, what one step stands for, and uint8, what stands for 0.

    >>> step, zero = step_and_zero(np.array([-0.5, 0]), np.array([0, 2.05]))
    >>> f"{step:.4f}", int(zero)
    ('0.0100', 50)
    """
    low, high = low.min(), high.max()
    # Nothing but zeros has no step.
    step = np.float32((high - low) / _LARGEST) or np.float32(1)
    return step, np.uint8(np.round(-low / step))


class _StaticProducts:
    """Rewrites the products of a model's activations with its kernels."""

    def __init__(self, model, ranges):
        self.nodes = list(model.graph.node)
        self.model = model
        self.ranges = ranges
        self.edit = GraphEdit(model, "static")
        self.kernels = IntegerKernels(self.edit)
        self.products = list(filter(self.kernels.is_product, self.nodes))
        names = [tuple(node.input) for node in self.products]
        kernels = {kernel: self.kernels.read(kernel) for _, kernel in names}
        self.factors = smoothing_factors(names, ranges, kernels)
        # By the name of an activation: several products read the same.
        self.rounded = {}

    def write(self):
        biases = self.biases()
        sums = {total for total, _ in biases.values()}
        for node in self.nodes:
            if self.kernels.is_product(node):
                self.product(node, *biases.get(node.output[0], ()))
            elif node.output[0] not in sums and not write_lookup(
                self.edit, node
            ):
                self.edit.keep(node)
        self.edit.finish()

    def biases(self):
        """By the name of a product its sum with a bias, and that bias.

        Only of products that nothing else reads.
        """
        widths = {
            node.output[0]: self.kernels.shapes[node.input[1]][1:]
            for node in self.products
        }
        reads = collections.Counter(
            name for node in self.nodes for name in inputs_of(node)
        )
        reads.update(value.name for value in self.model.graph.output)
        found = {}
        for node in self.nodes:
            if node.op_type != "Add":
                continue
            for product, bias in (node.input, node.input[::-1]):
                weights = self.edit.weights.get(bias)
                if weights is None or reads[product] > 1:
                    continue
                if tuple(weights.dims) == widths.get(product):
                    found[product] = node.output[0], bias
        return found

    def product(self, node, total=None, bias=""):
        """Writes a product, with its bias if it has one, as one of integers."""
        activation, kernel = node.input
        rounded, step, zero = self.round(activation)
        weights, scale = self.kernels.make(kernel, self.factors[kernel])
        self.edit.add(
            "MatMulIntegerToFloat",
            rounded,
            weights,
            step,
            scale,
            zero,
            "",  # the zero of weights is 0
            bias,
            output=total or node.output[0],
            domain=CONTRIB,
        )

    def round(self, activation):
        """An activation from 0 to 255, what a step of it is, and its 0."""
        if activation not in self.rounded:
            one, factors = self.ranges[activation], self.factors[activation]
            step, zero = step_and_zero(one.low / factors, one.high / factors)
            constants = {"smoothing": 1 / factors, "step": step, "zero": zero}
            smoothing, step, zero = (
                self.edit.constant(f"{activation}_{name}", value)
                for name, value in constants.items()
            )
            smooth = self.edit.add("Mul", activation, smoothing)
            rounded = self.edit.add("QuantizeLinear", smooth, step, zero)
            self.rounded[activation] = rounded, step, zero
        return self.rounded[activation]
