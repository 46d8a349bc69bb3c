"""The tensors that an encoder consists of, whatever a library calls them."""

import dataclasses
import re

import numpy as np

from semmatch.checkpoints.format import Rule

# Rows of a matrix that are transposed at once.
_STRIP = 64


@dataclasses.dataclass(frozen=True)
class Layout:
    """What the tensors of an encoder are called, `{}` for what varies.

    Attributes:
        table: string, of an embedding.
        kernel: string, of a layer's kernel.
        bias: string, of a layer's bias.
        gamma: string, of a norm; alternatives are separated by `|`.
        beta: string, as `gamma`.
        transposed: bool, whether kernels are `(outputs, inputs)`.
        embedding_norm: string, the norm of the embeddings.
        projection: string, what brings embeddings to the width of the rest;
            None where there is none.
        block: string, what the names of a block begin with.
        block_layers: a dict from our names of the layers of a block to its
            own.
    """

    table: str
    kernel: str
    bias: str
    gamma: str
    beta: str
    transposed: bool
    embedding_norm: str
    block: str
    block_layers: dict
    projection: str | None = None

    def dense(self, source, target, inputs, outputs):
        """The rules of a dense layer."""
        shape = (outputs, inputs) if self.transposed else (inputs, outputs)
        transform = transposed if self.transposed else np.asarray
        kernel, bias = self.kernel.format(source), self.bias.format(source)
        return [
            Rule(kernel, f"{target}/kernel", shape, transform),
            Rule(bias, f"{target}/bias", (outputs,)),
        ]

    def norm(self, source, target, width):
        """The rules of a normalisation."""
        return [
            Rule(self.gamma.format(source), f"{target}/gamma", (width,)),
            Rule(self.beta.format(source), f"{target}/beta", (width,)),
        ]

    def encoder(self, arguments, prefix):
        """The rules of an encoder without its pooler.

        Args:
            arguments: a dict of the arguments of `TextEncoder`.
            prefix: string before each name, such as `"bert."`.

        Returns:
            A list of `Rule`, each with the shape that the tensor must have.
        """
        dim = arguments["hidden_dim"]
        width = arguments.get("embedding_dim") or dim
        sizes = {
            "word": ("token", arguments["vocabulary_size"]),
            "position": ("position", arguments["max_sequence_length"]),
            "token_type": ("segment", arguments["num_segments"]),
        }
        rules = [
            Rule(
                prefix + self.table.format(theirs),
                f"{ours}_embedding/embeddings",
                (size, width),
            )
            for theirs, (ours, size) in sizes.items()
            if size
        ]
        rules += self.norm(
            prefix + self.embedding_norm, "embedding_norm", width
        )
        if arguments.get("embedding_dim") is not None:
            rules += self.dense(
                prefix + self.projection, "embedding_projection", width, dim
            )
        shared = arguments.get("shared_layers", False)
        for index in range(1 if shared else arguments["num_layers"]):
            source = prefix + self.block.format(index)
            rules += self._block(source, f"block_{index}", arguments)
        return rules

    def dropped(self, kept, layers, prefix):
        """A regular expression of the tensors of layers that are left out."""
        numbers = "|".join(str(index) for index in range(kept, layers))
        block = re.escape(prefix) + re.escape(self.block)
        return block.replace(r"\{\}", f"({numbers or '(?!)'})") + ".*"

    def _block(self, source, target, arguments):
        dim, inner = arguments["hidden_dim"], arguments["intermediate_dim"]
        shapes = {"intermediate": (dim, inner), "output": (inner, dim)}
        rules = []
        for ours, theirs in self.block_layers.items():
            names = source + theirs, f"{target}/{ours}"
            if ours.endswith("norm"):
                rules += self.norm(*names, dim)
            else:
                rules += self.dense(*names, *shapes.get(ours, (dim, dim)))
        return rules


def transposed(matrix):
    """A matrix with rows for columns, in memory of its own.

    NumPy goes through it in steps as long as a row, which the processor's
    cache does not like: in strips it takes a tenth of the time.

    >>> transposed(np.array([[1, 2, 3], [4, 5, 6]])).tolist()
    [[1, 4], [2, 5], [3, 6]]
    """
    result = np.empty(matrix.shape[::-1], matrix.dtype)
    for start in range(0, len(matrix), _STRIP):
        strip = slice(start, start + _STRIP)
        result[:, strip] = matrix[strip].T
    return result
