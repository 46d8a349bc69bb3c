"""Logits of pairs that one encoder reads together."""

import itertools

import numpy as np
from tqdm import tqdm

from semmatch._batching import token_budget_batches
from semmatch.serving.distinct import distinct
from semmatch.serving.scorer import Scorer
from semmatch.serving.scorer import text_columns

# Tokens of one batch, padding included: enough to keep a CPU's matrix units
# busy, few enough that the activations stay in its cache.
MAX_TOKENS = 2048

# Work that takes longer shows a progress bar.
SILENT_SECONDS = 2


class PairScorer(Scorer):
    """Turns pairs into scores with a packer, a function and a `Scoring`.

    `CrossEncoder` and `Matcher` both score through this class, so that they
    batch, round and sort alike.

    Args:
        packer: `semmatch.tokenizers.Packer`.
        run: function from a dict of int32 `(batch, length)` features to
            logits `(batch, classes)`.
        scoring: `Scoring`.
        num_classes: int, logits of a pair.
        max_tokens: int, tokens of one batch, padding included.
        at_once: `AtOnce` or None, which makes the batches and computes them,
            with `run` those that it does not compute at once.

    >>> from semmatch._records import Scoring
    >>> from semmatch.tokenizers import Packer, Tokenizer
    >>> packer = Packer(Tokenizer.train(["还款", "取消"]), 16)
    >>> def run(features):  # the more tokens, the higher
    ...     return features["padding_mask"].sum(axis=1, keepdims=True) - 6.0
    >>> scorer = PairScorer(packer, run, Scoring("sigmoid"))
    >>> scorer.rank("还款", ["还", "还款还款"])[0].index
    1
    """

    def __init__(
        self,
        packer,
        run,
        scoring,
        *,
        num_classes=1,
        max_tokens=MAX_TOKENS,
        at_once=None,
    ):
        super().__init__(scoring, num_classes)
        self.packer = packer
        self.run = run
        self.max_tokens = max_tokens
        self.at_once = at_once

    def logits(self, pairs):
        """Logits of pairs, float32 `(n, classes)`, in the order given.

        With `Scoring.symmetric` they are means of both orders, with
        `Scoring.long="max"` those of the best window.
        """
        text_a, text_b = text_columns(pairs)
        # A query stands in as many pairs as it has candidates.
        texts = list(dict.fromkeys([*text_a, *text_b]))
        ids = dict(
            zip(texts, self.packer.tokenizer.tokenize(texts), strict=True)
        )
        windows = self.scoring.long == "max"
        loss = self.packer.loss(
            [ids[text] for text in text_a],
            [ids[text] for text in text_b],
            windows=windows,
        )
        self.packer.warn_of(loss)
        # Equal pairs are computed once, so that they stay equal: in batches
        # of different lengths the last bits may differ.
        different, rows = distinct(zip(text_a, text_b, strict=True))
        ids_a = [ids[a] for a, _ in different]
        ids_b = [ids[b] for _, b in different]
        if windows:
            return self._logits_of_windows(ids_a, ids_b)[rows]
        return self._logits_of_ids(ids_a, ids_b)[rows]

    def _logits_of_windows(self, ids_a, ids_b):
        """Of the best window of each pair."""
        pairs, ends = [], []
        for a, b in zip(ids_a, ids_b, strict=True):
            pairs += [(a, window) for window in self.packer.windows(a, b)]
            ends.append(len(pairs))
        logits = self._logits_of_ids(
            [a for a, _ in pairs], [window for _, window in pairs]
        )
        keys = self.scoring.rank_keys(logits)
        best = [
            start + int(np.argmax(keys[start:end]))
            for start, end in itertools.pairwise([0, *ends])
        ]
        return logits[best]

    def _logits_of_ids(self, ids_a, ids_b):
        """In the order given, or with `Scoring.symmetric` in both."""
        if not self.scoring.symmetric:
            return self._run_batches(ids_a, ids_b)
        # Cut once, so that both orders are of the same tokens.
        ids_a, ids_b = self.packer.cut(ids_a, ids_b)
        one = self._run_batches(ids_a, ids_b)
        return (one + self._run_batches(ids_b, ids_a)) / 2

    def _run_batches(self, ids_a, ids_b):
        def pack(rows):
            return self.packer.pack_ids(
                [ids_a[row] for row in rows], [ids_b[row] for row in rows]
            )

        logits = np.empty((len(ids_a), self.num_classes), "float32")
        with tqdm(
            total=len(ids_a),
            desc="scoring",
            unit="pair",
            delay=SILENT_SECONDS,
            disable=None,
        ) as progress:
            lengths = self.packer.lengths(ids_a, ids_b)
            for rows, outputs in self.outputs(lengths, pack):
                logits[rows] = outputs
                progress.update(len(rows))
        return logits

    def outputs(self, lengths, pack):
        """Computes rows, as `AtOnce.outputs`."""
        if self.at_once is not None:
            return self.at_once.outputs(lengths, pack, self.run)
        lengths = self.packer.padded_lengths(lengths)
        batches = token_budget_batches(lengths, self.max_tokens)
        return ((rows, self.run(pack(rows))) for rows in batches)
