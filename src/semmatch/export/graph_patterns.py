"""What Keras and tf2onnx spell out in many nodes, said in one or two."""

import math

import numpy as np
import onnx

from semmatch.export.graph_edit import GraphEdit

# A pattern is a name, which stands for any value, of which it must be the same
# wherever it stands; or an operation and the patterns of its inputs.

_NEGATIVE = ("Less", ("Cast", "ids"), "zero")
# An id that is negative counts from the end, as it does for ONNX anyway.
_IDS = (
    "Add",
    ("Mul", ("Cast", _NEGATIVE), ("Add", "ids", "size")),
    ("Mul", "ids", ("Cast", ("Not", _NEGATIVE))),
)
_LOOKUP = ("Gather", "table", _IDS)

_SHAPE = ("Cast", ("Shape", "tokens"))
_LENGTH = ("Slice", _SHAPE, "one", "two", "axes")
_SIZE = ("Concat", _LENGTH, "width")
_WHOLE = ("Mul", "largest", ("Cast", ("Equal", "minus_one", _SIZE)))
_END = ("Add", "start", ("Add", _SIZE, _WHOLE))
_BATCH = ("Slice", _SHAPE, "zero", "one", "axes")
_POSITIONS = (
    "Add",
    "tokens",
    (
        "Expand",
        ("Slice", "table", "start", _END),
        ("Cast", ("Concat", _BATCH, _LENGTH, "width")),
    ),
)

_MEAN = ("ReduceMean", "x", "axes")
_CENTRED = ("Sub", "x", _MEAN)
_VARIANCE = ("ReduceMean", ("Mul", _CENTRED, _CENTRED), "axes")
_DEVIATION = ("Sqrt", ("Add", _VARIANCE, "epsilon"))
_SCALE = ("Mul", ("Reciprocal", _DEVIATION), "gamma")
_NORM = (
    "Add",
    ("Mul", "x", _SCALE),
    ("Add", ("Mul", ("Neg", _MEAN), _SCALE), "beta"),
)

_COMMUTATIVE = ("Add", "Mul")


def shorten(model):
    """Replaces spelled-out lookups, positions and normalisations.

    Each node costs two microseconds, of a single pair a share that counts, and
    each of a normalisation a pass over memory.

    Args:
        model: `onnx.ModelProto`, which is changed.

    >>> from onnx import helper
    >>> nodes = [
    ...     ("Cast", ["ids"], "float", {"to": 1}),
    ...     ("Less", ["float", "zero"], "negative", {}),
    ...     ("Not", ["negative"], "positive", {}),
    ...     ("Cast", ["negative"], "is_negative", {"to": 7}),
    ...     ("Cast", ["positive"], "is_positive", {"to": 7}),
    ...     ("Add", ["ids", "size"], "from_end", {}),
    ...     ("Mul", ["is_negative", "from_end"], "one", {}),
    ...     ("Mul", ["ids", "is_positive"], "other", {}),
    ...     ("Add", ["one", "other"], "place", {}),
    ...     ("Gather", ["table", "place"], "vectors", {"axis": 0}),
    ... ]
    >>> constants = {"zero": np.float32(0), "size": np.int64(3)}
    >>> constants["table"] = np.eye(3, dtype="float32")
    >>> graph = helper.make_graph(
    ...     [helper.make_node(k, i, [o], **a) for k, i, o, a in nodes],
    ...     "lookup",
    ...     [helper.make_tensor_value_info("ids", 7, [2])],
    ...     [helper.make_tensor_value_info("vectors", 1, [2, 3])],
    ...     [onnx.numpy_helper.from_array(v, k) for k, v in constants.items()],
    ... )
    >>> model = helper.make_model(graph)
    >>> shorten(model)
    >>> [(node.op_type, list(node.input)) for node in model.graph.node]
    [('Gather', ['table', 'ids'])]
    """
    edit = GraphEdit(model, "short")
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    producers = {
        name: node for node in model.graph.node for name in node.output
    }
    for node in model.graph.node:
        for pattern, write in _FORMS.items():
            found = {}
            if not _matches(pattern, node.output[0], producers, found):
                continue
            known = {
                name: constants[value]
                for name, value in found.items()
                if value in constants
            }
            if write(edit, node, found, known):
                break
        else:
            edit.keep(node)
    edit.drop_unread()
    edit.finish()


def _matches(pattern, name, producers, found):
    """Whether a value is computed so; `found` gets what names stand for."""
    if isinstance(pattern, str):
        return found.setdefault(pattern, name) == name
    kind, *inputs = pattern
    node = producers.get(name)
    if node is None or node.op_type != kind or len(node.input) != len(inputs):
        return False
    orders = [inputs, inputs[::-1]] if kind in _COMMUTATIVE else [inputs]
    for order in orders:
        trial = dict(found)
        if all(
            _matches(part, source, producers, trial)
            for part, source in zip(order, node.input, strict=True)
        ):
            found.update(trial)
            return True
    return False


def _write_lookup(edit, node, found, known):
    settings = {attribute.name: attribute.i for attribute in node.attribute}
    if (
        settings.get("axis", 0) != 0
        or "table" not in known
        or not _are(known, zero=0, size=known["table"].dims[0])
    ):
        return False
    edit.add("Gather", found["table"], found["ids"], output=node.output[0])
    return True


def _write_positions(edit, node, found, known):
    if not _are(known, start=0, zero=0, one=1, two=2, axes=0):
        return False
    zero = edit.constant("zero", np.int64([0]))
    length = edit.add("Shape", found["tokens"], start=1, end=2)
    table = edit.add("Slice", found["table"], zero, length, zero)
    edit.add("Add", found["tokens"], table, output=node.output[0])
    return True


def _write_norm(edit, node, found, known):
    if not _are(known, axes=-1) or not {"epsilon", "gamma", "beta"} <= {*known}:
        return False
    gamma, beta = (_array(known[name]) for name in ("gamma", "beta"))
    # Nothing but ones before the last axis, and that of both alike.
    width = gamma.shape[-1:]
    if not gamma.size == beta.size == math.prod(width) or not beta.shape:
        return False
    edit.add(
        "LayerNormalization",
        found["x"],
        edit.constant(found["gamma"], gamma.reshape(width)),
        edit.constant(found["beta"], beta.reshape(width)),
        output=node.output[0],
        axis=-1,
        epsilon=_array(known["epsilon"]).item(),
    )
    return True


def _are(known, **numbers):
    """Whether these are constants of nothing but these numbers."""
    return all(
        name in known and (_array(known[name]) == number).all()
        for name, number in numbers.items()
    )


def _array(tensor):
    return onnx.numpy_helper.to_array(tensor)


_FORMS = {
    _LOOKUP: _write_lookup,
    _POSITIONS: _write_positions,
    _NORM: _write_norm,
}
