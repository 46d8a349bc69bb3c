"""Batches of a bounded number of tokens."""

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


def equal_length_batches(lengths, max_tokens, max_rows=None):
    """Groups rows of one length into batches, which need no padding.

    Args:
        lengths: int `(n,)`, tokens of each row.
        max_tokens: int, the most tokens of a batch; a row longer than that is
            a batch of its own.
        max_rows: int or None, the most rows of a batch.

    Returns:
        A list of int arrays of row numbers, the longest rows first; batches
        of one length differ by a row at most.

    >>> [b.tolist() for b in equal_length_batches([3, 9, 3, 3, 3], 9)]
    [[1], [0, 2], [3, 4]]
    """
    lengths = np.asarray(lengths)
    order = np.argsort(-lengths, kind="stable")
    ends = np.flatnonzero(np.diff(lengths[order])) + 1
    batches = []
    for group in np.split(order, ends) if len(order) else []:
        rows = max(1, max_tokens // max(1, int(lengths[group[0]])))
        if max_rows is not None:
            rows = min(rows, max_rows)
        batches += np.array_split(group, -(-len(group) // rows))
    return batches
