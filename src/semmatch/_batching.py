"""Batches of about the same number of tokens, whatever the lengths."""

import numpy as np


def token_budget_batches(lengths, max_tokens):
    """Groups rows of similar length into batches of bounded padded size.

    Args:
        lengths: int `(n,)`, tokens of each row.
        max_tokens: int, the most tokens of a batch, padding included; a row
            longer than that is a batch of its own.

    Returns:
        A list of int arrays of row numbers, the longest rows first, so that
        memory that suffices for the first batch suffices for all.

    >>> [b.tolist() for b in token_budget_batches([3, 9, 4, 8], 18)]
    [[1, 3], [2, 0]]
    """
    lengths = np.asarray(lengths)
    order = np.argsort(-lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        rows = max(1, max_tokens // max(1, int(lengths[order[start]])))
        batches.append(order[start : start + rows])
        start += rows
    return batches
