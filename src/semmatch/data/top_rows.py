"""The places of the highest scores of each row of a matrix."""

import numpy as np


def top_rows(scores, k):
    """The columns of the `k` highest scores of each row, best first.

    Args:
        scores: float `(n, m)`, no NaN.
        k: int from 1, at most m.

    Returns:
        int64 `(n, k)`; of equal scores the first column comes first.

    >>> top_rows(np.array([[1.0, 3.0, 3.0, 2.0]]), 2).tolist()
    [[1, 2]]
    """
    columns = np.empty((len(scores), k), "int64")
    for place, row in enumerate(scores):
        last = np.partition(row, len(row) - k)[len(row) - k]
        above = np.flatnonzero(row > last)
        equal = np.flatnonzero(row == last)[: k - len(above)]
        best = above[np.argsort(-row[above], kind="stable")]
        columns[place] = np.concatenate([best, equal])
    return columns
