"""How long a `Matcher` takes, over batch sizes and lengths."""

import copy
import functools
import platform
import threading
import time

import numpy as np
from tqdm import tqdm

from semmatch._checks import check_positive_int
from semmatch.serving.latency_report import Latency
from semmatch.serving.latency_report import LatencyReport
from semmatch.serving.pair_scorer import SILENT_SECONDS
from semmatch.serving.token_texts import token_texts

LENGTHS = (16, 40, 64)

# Calls before those that count, see `Matcher.warm_up`.
_FIRST_CALLS = 3


def measure_latency(
    matcher, *, batch_sizes=(1, 8, 32), lengths=None, repeats=100
):
    """Times calls of a `Matcher` in this process, one after the other.

    Of a cross-encoder a call scores one query with `batch_size` different
    candidates, half of the tokens being the query's; of a bi-encoder it
    encodes as many passages. Texts are made of random words. As in any call,
    long work is computed in batches; the time of the graph is that in which
    any of them is.

    Args:
        matcher: `Matcher`.
        batch_sizes: list of ints, pairs or texts of a call.
        lengths: list of ints, tokens of a pair or text, special tokens and
            prompt included; None for those of 16, 40 and 64 that the model
            takes.
        repeats: int, calls of each size and length. The 99th percentile of
            fewer than 100 is nearly the slowest.

    Returns:
        `LatencyReport`.

    Raises:
        ValueError: if a number is no count, or a length too short for its
            special tokens or longer than the model takes.

    >>> report = measure_latency(Matcher("deploy"))  # doctest: +SKIP
    >>> report.plot("latency.png")  # doctest: +SKIP
    """
    batch_sizes = [
        check_positive_int(size, "batch_sizes") for size in batch_sizes
    ]
    repeats = check_positive_int(repeats, "repeats")
    most = matcher.packer.sequence_length
    if lengths is None:
        lengths = [length for length in LENGTHS if length <= most] or [most]
    works = [
        (size, length, _work(matcher, size, length))
        for length in lengths
        for size in batch_sizes
    ]
    bar = tqdm(works, "measuring", delay=SILENT_SECONDS, disable=None)
    return LatencyReport(
        kind=matcher.config.kind,
        provider=matcher.provider,
        num_threads=matcher.num_threads,
        processor=platform.processor() or platform.machine(),
        repeats=repeats,
        latencies=tuple(
            _measure(matcher, work, size, length, repeats)
            for size, length, work in bar
        ),
    )


def _work(matcher, size, length):
    """What a call does: a function of the scorer that does it."""
    packer = matcher.packer
    tokenizer = packer.tokenizer
    if matcher.embedding is not None:
        prompt = matcher.embedding.passage_prompt
        [word] = token_texts(tokenizer, 1, 1)
        around = int(packer.lengths(packer.tokenize([word], prompt))[0]) - 1
        room = _room(length, around, 1, packer.sequence_length)
        texts = token_texts(tokenizer, room, size)
        return lambda scorer: scorer.encode(texts)
    around = int(packer.lengths([[]], [[]])[0])
    room = _room(length, around, 2, packer.sequence_length)
    [query] = token_texts(tokenizer, room // 2, 1)
    candidates = token_texts(tokenizer, room - room // 2, size)
    pairs = [(query, text) for text in candidates]
    return lambda scorer: scorer.score(pairs)


def _room(length, around, least, most):
    """Tokens of the texts themselves."""
    length = check_positive_int(length, "lengths")
    if not around + least <= length <= most:
        raise ValueError(
            f"`lengths` must be from {around + least} to {most}: the model "
            f"takes {most} tokens, {around} of them special ones or of the "
            f"prompt. Received: {length}."
        )
    return length - around


class _Clock:
    """Adds up the seconds in which a graph computes anything."""

    def __init__(self):
        self.seconds = 0.0
        self._start = 0.0
        self._running = 0
        self._lock = threading.Lock()

    def clocked(self, run):
        def wrapped(features):
            self._count(1)
            try:
                return run(features)
            finally:
                self._count(-1)

        return wrapped

    def _count(self, change):
        with self._lock:
            if self._running == 0:
                self._start = time.perf_counter()
            self._running += change
            if self._running == 0:
                self.seconds += time.perf_counter() - self._start


def _measure(matcher, work, size, length, repeats):
    clock = _Clock()
    # A copy, since others may use the matcher meanwhile.
    scorer = copy.copy(matcher.pair_scorer())
    scorer.run = clock.clocked(scorer.run)
    if scorer.at_once is not None:
        scorer.at_once = copy.copy(scorer.at_once)
        scorer.at_once.run = clock.clocked(scorer.at_once.run)
    for _ in range(_FIRST_CALLS):
        work(scorer)
    whole, graph = [], []
    for _ in range(repeats):
        clock.seconds = 0.0
        start = time.perf_counter()
        work(scorer)
        whole.append(1000 * (time.perf_counter() - start))
        graph.append(1000 * clock.seconds)
    percentiles = functools.partial(np.percentile, q=(50, 95, 99))
    figures = [*percentiles(whole), *percentiles(graph)]
    per_second = 1000 * size * repeats / sum(whole)
    return Latency(size, length, *map(float, figures), float(per_second))
