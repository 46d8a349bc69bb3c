"""The nearest passages of queries, without a matrix of all their scores."""

from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from semmatch.data.top_rows import top_rows


class Nearest(NamedTuple):
    """What was found.

    Attributes:
        scores: float32 `(queries, k)`, best first; -inf where there are no
            more passages.
        passages: int64 `(queries, k)`, their numbers.
        known: float32 `(n,)`, the scores of the pairs asked for.
    """

    scores: np.ndarray
    passages: np.ndarray
    known: np.ndarray


def nearest_passages(score, steps, groups, pairs, k):
    """Searches for each query the best passages of other groups.

    Args:
        score: function from a slice of queries and one of passages to their
            scores, float32 `(queries, passages)`.
        steps: two ints, how many queries and passages are scored at once.
        groups: two int arrays, the group of each query and of each passage.
        pairs: int `(n, 2)`, queries and passages whose scores are asked for.
        k: int, at most the number of passages.

    Returns:
        `Nearest`.

    >>> matrix = np.array([[0.9, 0.1, 0.5]], "float32")
    >>> found = nearest_passages(lambda q, p: matrix[q, p], (1, 2),
    ...                          ([0], [0, 1, 2]), [[0, 0]], 2)
    >>> found.passages.tolist(), found.known.round(1).tolist()
    ([[2, 1]], [0.8999999761581421])
    """
    of_queries, of_passages = map(np.asarray, groups)
    pairs = np.asarray(pairs)
    scores = np.empty((len(of_queries), k), "float32")
    passages = np.empty((len(of_queries), k), "int64")
    known = np.empty(len(pairs), "float32")
    parts = _slices(len(of_queries), steps[0])
    for part in tqdm(parts, "searching", delay=2, disable=None):
        best = np.empty((part.stop - part.start, 0), "float32")
        numbers = np.empty(best.shape, "int64")
        for block in _slices(len(of_passages), steps[1]):
            found = score(part, block)
            asked = _within(pairs[:, 0], part) & _within(pairs[:, 1], block)
            places = pairs[asked] - [part.start, block.start]
            known[asked] = found[places[:, 0], places[:, 1]]
            same = of_queries[part, None] == of_passages[block]
            found = np.where(same, -np.inf, found)
            top = top_rows(found, min(k, found.shape[1]))
            best = np.hstack([best, np.take_along_axis(found, top, 1)])
            numbers = np.hstack([numbers, top + block.start])
            top = top_rows(best, min(k, best.shape[1]))
            best = np.take_along_axis(best, top, 1)
            numbers = np.take_along_axis(numbers, top, 1)
        scores[part], passages[part] = best, numbers
    return Nearest(scores, passages, known)


def _slices(total, step):
    return [
        slice(start, min(start + step, total))
        for start in range(0, total, step)
    ]


def _within(numbers, part):
    return (numbers >= part.start) & (numbers < part.stop)
