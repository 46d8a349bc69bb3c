"""Several batches computed at once, each by one thread."""

import collections
import heapq
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from semmatch._batching import equal_length_batches

# Tokens of one batch: more gain nothing, and need more memory.
MAX_TOKENS = 512

# Batches that are packed before a thread is free for them, for each thread.
_AHEAD = 2


class AtOnce:
    """Computes rows in batches of one length, as many at once as threads.

    Threads that share a computation wait for each other after each of its
    steps; those that have one each do not. Rows of one length need no
    padding, and what comes of a row does not depend on the others.

    Args:
        run: function from a dict of int32 `(batch, length)` features to
            outputs, which computes with one thread and may be called from
            several.
        num_threads: int, computations at once.
        max_tokens: int, the most tokens of a batch.

    >>> def pack(rows):
    ...     return rows + 1
    >>> at_once = AtOnce(lambda features: features * 10, num_threads=2)
    >>> sizes = [7, 9, 9, 9]
    >>> for rows, outputs in at_once.outputs(sizes, pack, at_once.run):
    ...     print(rows.tolist(), outputs.tolist())
    [1] [20]
    [2] [30]
    [3] [40]
    [0] [10]
    """

    def __init__(self, run, num_threads, *, max_tokens=MAX_TOKENS):
        self.run = run
        self.num_threads = num_threads
        self.max_tokens = max_tokens
        # Its threads start when there is work for them.
        self._pool = ThreadPoolExecutor(num_threads, "semmatch")

    def outputs(self, lengths, pack, run_alone, max_rows=None):
        """Computes rows.

        Args:
            lengths: int `(n,)`, tokens of each row.
            pack: function from an int array of row numbers to features.
            run_alone: as `run`, but with all threads; it computes, one after
                another, batches too few to keep most threads at work.
            max_rows: int or None, the most rows of a batch.

        Yields:
            `(rows, outputs)` of each batch.
        """
        lengths = np.asarray(lengths)
        share = -(-int(lengths.sum()) // self.num_threads)
        most = min(self.max_tokens, share)
        batches = equal_length_batches(lengths, most, max_rows)
        # The largest first, so that threads end at about the same time.
        batches.sort(key=lambda rows: -lengths[rows].sum())
        sizes = [int(lengths[rows].sum()) for rows in batches]
        # Together n threads are taken to compute a batch (n + 1) / 2 times as
        # fast as one; two were seen to do so 1.5 times.
        if _busy_threads(sizes, self.num_threads) <= (self.num_threads + 1) / 2:
            batches = equal_length_batches(lengths, self.max_tokens, max_rows)
            for rows in batches:
                yield rows, run_alone(pack(rows))
            return
        waiting = collections.deque()
        try:
            for rows in batches:
                future = self._pool.submit(self.run, pack(rows))
                waiting.append((rows, future))
                if len(waiting) > _AHEAD * self.num_threads:
                    rows, future = waiting.popleft()
                    yield rows, future.result()
            while waiting:
                rows, future = waiting.popleft()
                yield rows, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _busy_threads(sizes, num_threads):
    """How many threads are at work on average, each with a batch at a time.

    >>> _busy_threads([20, 20], 2), _busy_threads([20, 20, 20], 2)
    (2.0, 1.5)
    """
    ends = [0] * num_threads
    for size in sizes:
        heapq.heapreplace(ends, ends[0] + size)
    return sum(sizes) / max(1, *ends)
