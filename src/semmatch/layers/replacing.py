"""Another form of blocks, for those who export them."""

import contextlib
import contextvars
from collections.abc import Callable

# Of this thread: replicas are traced in threads of their own.
_form: contextvars.ContextVar[Callable | None] = contextvars.ContextVar(
    "form", default=None
)


@contextlib.contextmanager
def replaced_blocks(form):
    """Has blocks computed by another function, wherever they stand.

    Args:
        form: function of a `TransformerBlock`, tokens `(batch, length,
            hidden_dim)` and a padding mask `(batch, length)`, to tokens.

    >>> import numpy as np
    >>> from semmatch.layers import TransformerBlock
    >>> block = TransformerBlock(8, 2, 16)
    >>> ones, mask = np.ones((1, 3, 8)), np.array([[1, 1, 0]])
    >>> with replaced_blocks(lambda block, tokens, mask: 7 * tokens):
    ...     print(float(block(ones, mask)[0, 0, 0]))
    7.0
    """
    token = _form.set(form)
    try:
        yield
    finally:
        _form.reset(token)


def block_form():
    """The function of `replaced_blocks`, or None."""
    return _form.get()
