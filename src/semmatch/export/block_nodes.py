"""Transformer blocks as few nodes of ONNX.

tf2onnx spells out a normalisation, a GELU and the shapes of an attention in
dozens of small nodes, each a pass over memory. Here a block stays one
operation while TensorFlow traces the model, and is written when that is
converted: in operations of ONNX itself, and in the forms in which onnxruntime
and OpenVINO find those that they have one kernel for.

Inside, vectors lie by place in the text and then by text: of heads that lie so
onnxruntime's products read queries, keys and values as they are, and would else
have each put in order before.
"""

import contextlib

import numpy as np
import onnx
from keras import ops

from semmatch.layers.block_parts import MASKED
from semmatch.layers.replacing import replaced_blocks
from semmatch.models import TextEncoder

# What stands for a block in the traced graph. It never runs.
_PLACEHOLDER = "PyFunc"


@contextlib.contextmanager
def blocks_as_nodes(model):
    """Has `TransformerBlock`s traced and converted as few nodes.

    Where the model reads no more than the first token's vector, its last block
    computes that one alone, from the keys and values of all tokens. Of a model
    of four layers that is a fifth of the work less.

    Args:
        model: `CrossEncoder` or `BiEncoder`, the one that is traced.
    """
    import tf2onnx.handler

    blocks = {}
    last = _read_at_first_token(model)

    class Block:
        @classmethod
        def version_18(cls, graph, node, **_):
            block = blocks[node.get_attr_str("token")]
            _write(graph, node, block, block is last)

    tf2onnx.handler.tf_op(_PLACEHOLDER)(Block)

    def placeholder(block, tokens, padding_mask):
        blocks[block.name] = block
        return _placeholder(block, tokens, padding_mask, block is last)

    with replaced_blocks(placeholder):
        yield


def _read_at_first_token(model):
    """The block of whose outputs only the first token's is read, or None."""
    backbone = model.backbone
    if (
        model.pooling not in ("cls", "pooler")
        or not isinstance(backbone, TextEncoder)
        # The one block there is comes before itself.
        or backbone.shared_layers
        or not backbone.num_layers
    ):
        return None
    return backbone.get_layer(f"block_{backbone.num_layers - 1}")


def _parts(block):
    """Its dense layers and norms, each with the two weights that it has."""
    dense = {
        "query": block.query,
        "key": block.key,
        "value": block.value,
        "attention_output": block.attention_output,
        "intermediate": block.intermediate,
        "output": block.feed_forward_output,
    }
    norms = {
        "attention_norm": block.attention_norm,
        "output_norm": block.output_norm,
    }
    # `kernel` and not its variable: it holds what LoRA adds.
    return {
        **{name: (layer.kernel, layer.bias) for name, layer in dense.items()},
        **{name: (layer.gamma, layer.beta) for name, layer in norms.items()},
    }


def _placeholder(block, tokens, padding_mask, first_only):
    """One operation, whose inputs are all that the block computes with.

    Its output is `(batch, length, hidden_dim)`, and `(batch, 1, hidden_dim)`
    if it is of the first token only.
    """
    import tensorflow as tf

    weights = [
        ops.convert_to_tensor(weight)
        for part in _parts(block).values()
        for weight in part
    ]
    (outputs,) = tf.raw_ops.PyFunc(
        input=[tokens, padding_mask, *weights],
        # Names the block to whoever converts the operation.
        token=block.name,
        Tout=[tokens.dtype],
    )
    batch, length, width = tokens.shape
    # As an operation, since what it says survives freezing.
    return tf.ensure_shape(outputs, (batch, 1 if first_only else length, width))


def _write(graph, node, block, first_only):
    """Replaces the operation of a block in tf2onnx's graph."""
    tokens, padding_mask, *weights = node.input
    parts = zip(weights[::2], weights[1::2], strict=True)
    writer = _BlockWriter(
        graph, node, block, dict(zip(_parts(block), parts, strict=True))
    )
    graph.remove_node(node.name)
    tokens = writer.turned(tokens)
    rows = writer.rows(tokens)
    if first_only:
        first = writer.first(tokens)
        mixed = writer.attention_of_first(first, rows, padding_mask)
        rows = first
    else:
        mixed = writer.attention(rows, padding_mask)
    mixed = writer.dense("attention_output", mixed)
    rows = writer.norm("attention_norm", writer.node("Add", mixed, rows))
    inner = writer.dense("intermediate", rows)
    inner = _ACTIVATIONS[block.activation](writer, inner)
    inner = writer.dense("output", inner)
    rows = writer.norm("output_norm", writer.node("Add", inner, rows))
    if first_only:
        shape = writer.constant([-1, 1, block.hidden_dim], "int64")
        writer.node("Reshape", rows, shape, outputs=node.output)
    else:
        shape = writer.shape(padding_mask, block.hidden_dim)
        rows = writer.node("Reshape", rows, shape)
        writer.turned(rows, outputs=node.output)


class _BlockWriter:
    """Adds the nodes of one block to tf2onnx's graph.

    Dense layers work on rows, `(length * batch, dim)`: so onnxruntime makes
    one operation of the product and its bias.
    """

    def __init__(self, graph, node, block, parts):
        self.graph = graph
        self.name = node.name
        self.block = block
        self.parts = parts
        self.head_dim = block.hidden_dim // block.num_heads

    def node(self, kind, *inputs, dtype=onnx.TensorProto.FLOAT, **settings):
        return self.graph.make_node(
            kind,
            list(inputs),
            name=self.new_name(kind),
            dtypes=[dtype],
            **settings,
        ).output[0]

    def integers(self, kind, *inputs, **settings):
        return self.node(
            kind, *inputs, dtype=onnx.TensorProto.INT64, **settings
        )

    def constant(self, value, dtype="float32"):
        name = self.new_name("constant")
        return self.graph.make_const(name, np.array(value, dtype)).output[0]

    def new_name(self, kind):
        from tf2onnx.utils import make_name

        return make_name(f"{self.name}_{kind}")

    def rows(self, tokens):
        width = self.constant([-1, self.block.hidden_dim], "int64")
        return self.node("Reshape", tokens, width)

    def turned(self, tokens, **settings):
        """From `(batch, length, hidden_dim)` to length first, or back."""
        order = {"perm": [1, 0, 2]}
        return self.node("Transpose", tokens, attr=order, **settings)

    def shape(self, padding_mask, *further):
        """`(length, batch, *further)`.

        Of the mask and not of tokens: it is the same in all blocks, so that
        what is computed of it is merged.
        """
        return self.integers(
            "Concat",
            self.integers("Shape", padding_mask, attr={"start": 1}),
            self.integers("Shape", padding_mask, attr={"end": 1}),
            self.constant(further, "int64"),
            attr={"axis": 0},
        )

    def dense(self, name, rows):
        kernel, bias = self.parts[name]
        if name == "query":
            # Of the weights, where it is computed once and for all.
            scale = self.constant(self.head_dim**-0.5)
            kernel = self.node("Mul", kernel, scale)
            bias = self.node("Mul", bias, scale)
        return self.node("Add", self.node("MatMul", rows, kernel), bias)

    def norm(self, name, rows):
        return self.node(
            "LayerNormalization",
            rows,
            *self.parts[name],
            attr={"axis": -1, "epsilon": self.block.layer_norm_epsilon},
        )

    def first(self, tokens):
        """The vector of each text's first token, `(batch, hidden_dim)`."""
        place = self.constant(0, "int64")
        return self.node("Gather", tokens, place, attr={"axis": 0})

    def attention(self, rows, padding_mask):
        """Each token's mixture of values, `(length * batch, hidden_dim)`."""
        query = self.heads("query", rows, padding_mask, [1, 2, 0, 3])
        mixed = self.mixed(query, rows, padding_mask)
        mixed = self.node("Transpose", mixed, attr={"perm": [2, 0, 1, 3]})
        return self.rows(mixed)

    def attention_of_first(self, first, rows, padding_mask):
        """The first token's mixture of values, `(batch, hidden_dim)`."""
        split = [-1, self.block.num_heads, 1, self.head_dim]
        split = self.constant(split, "int64")
        query = self.node("Reshape", self.dense("query", first), split)
        return self.rows(self.mixed(query, rows, padding_mask))

    def mixed(self, query, rows, padding_mask):
        """What each query of `(batch, heads, n, head_dim)` finds, as it."""
        key = self.heads("key", rows, padding_mask, [1, 2, 3, 0])
        value = self.heads("value", rows, padding_mask, [1, 2, 0, 3])
        scores = self.node("MatMul", query, key)
        scores = self.node("Add", scores, self.padding(padding_mask))
        weights = self.node("Softmax", scores, attr={"axis": -1})
        return self.node("MatMul", weights, value)

    def heads(self, name, rows, padding_mask, order):
        """A projection of all tokens, `(length, batch, heads, head_dim)`.

        Its axes are put in this order.
        """
        split = self.shape(padding_mask, self.block.num_heads, self.head_dim)
        apart = self.node("Reshape", self.dense(name, rows), split)
        return self.node("Transpose", apart, attr={"perm": order})

    def padding(self, padding_mask):
        """What is added to scores, `(batch, 1, 1, length)`."""
        mask = self.node(
            "Cast", padding_mask, attr={"to": onnx.TensorProto.FLOAT}
        )
        padding = self.node("Sub", self.constant(1), mask)
        padding = self.node("Mul", padding, self.constant(MASKED))
        axes = self.constant([1, 2], "int64")
        return self.node("Unsqueeze", padding, axes)

    def gelu(self, rows):
        inner = self.node("Div", rows, self.constant(2**0.5))
        inner = self.node("Add", self.node("Erf", inner), self.constant(1))
        inner = self.node("Mul", rows, inner)
        return self.node("Mul", inner, self.constant(0.5))

    def gelu_tanh(self, rows):
        cube = self.node("Pow", rows, self.constant(3))
        inner = self.node("Mul", cube, self.constant(0.044715))
        inner = self.node("Add", rows, inner)
        inner = self.node("Mul", inner, self.constant((2 / np.pi) ** 0.5))
        inner = self.node("Add", self.node("Tanh", inner), self.constant(1))
        half = self.node("Mul", rows, self.constant(0.5))
        return self.node("Mul", half, inner)

    def relu(self, rows):
        return self.node("Relu", rows)


# The same names as in `semmatch.layers.block_parts.ACTIVATIONS`.
_ACTIVATIONS = {
    "gelu": _BlockWriter.gelu,
    "gelu_tanh": _BlockWriter.gelu_tanh,
    "relu": _BlockWriter.relu,
}
