"""What blocks compute inside of an encoder, for those who ask."""

import contextlib
import contextvars
from typing import Any
from typing import NamedTuple

# Of this thread: replicas are traced in threads of their own.
_record: contextvars.ContextVar[list | None] = contextvars.ContextVar(
    "record", default=None
)


class BlockPass(NamedTuple):
    """One block's part in a pass through an encoder.

    Attributes:
        block: the `TransformerBlock`.
        inputs: float `(batch, length, hidden_dim)`, tokens that went in.
        outputs: float `(batch, length, hidden_dim)`, tokens that came out.
    """

    block: Any
    inputs: Any
    outputs: Any


@contextlib.contextmanager
def recorded_blocks():
    """Gives a list that blocks add to, in the order in which they run.

    So one pass gives a model's outputs and its hidden states, whatever the
    model does with rows before it calls its encoder.

    >>> import numpy as np
    >>> from semmatch.layers import TransformerBlock
    >>> block = TransformerBlock(8, 2, 16)
    >>> with recorded_blocks() as record:
    ...     _ = block(np.ones((1, 3, 8)), np.array([[1, 1, 0]]))
    >>> record[0].outputs.shape
    TensorShape([1, 3, 8])
    """
    record = []
    token = _record.set(record)
    try:
        yield record
    finally:
        _record.reset(token)


def record_block(block, inputs, outputs):
    """Adds to the list of `recorded_blocks`, if one is open."""
    record = _record.get()
    if record is not None:
        record.append(BlockPass(block, inputs, outputs))
