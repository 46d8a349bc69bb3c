"""Scoring and ranking pairs of strings, whatever computes the logits."""

import itertools

import numpy as np
from tqdm import tqdm

from semmatch._batching import token_budget_batches
from semmatch._checks import check_positive_int
from semmatch._checks import check_text
from semmatch._records import Ranked

# Tokens of one batch, padding included: enough to keep a CPU's matrix units
# busy, few enough that the activations stay in its cache.
MAX_TOKENS = 4096

# Work that takes longer shows a progress bar.
_SILENT_SECONDS = 2


class PairScorer:
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
        self, packer, run, scoring, *, num_classes=1, max_tokens=MAX_TOKENS
    ):
        self.packer = packer
        self.run = run
        self.scoring = scoring
        self.num_classes = num_classes
        self.max_tokens = max_tokens

    def logits(self, pairs):
        """Logits of pairs, float32 `(n, classes)`, in the order given.

        With `Scoring.symmetric` they are means of both orders, with
        `Scoring.long="max"` those of the best window.
        """
        text_a, text_b = _columns(pairs)
        # A query stands in as many pairs as it has candidates.
        texts, rows = np.unique(
            np.array(text_a + text_b, dtype=object), return_inverse=True
        )
        ids = self.packer.tokenizer.tokenize(texts.tolist())
        ids_a = [ids[row] for row in rows[: len(text_a)]]
        ids_b = [ids[row] for row in rows[len(text_a) :]]
        windows = self.scoring.long == "max"
        self.packer.warn_of(self.packer.loss(ids_a, ids_b, windows=windows))
        if not windows:
            return self._logits_of_ids(ids_a, ids_b)
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
        lengths = self.packer.padded_lengths(self.packer.lengths(ids_a, ids_b))
        batches = token_budget_batches(lengths, self.max_tokens)
        logits = np.empty((len(ids_a), self.num_classes), "float32")
        with tqdm(
            total=len(ids_a),
            desc="scoring",
            unit="pair",
            delay=_SILENT_SECONDS,
            disable=None,
        ) as progress:
            for batch in batches:
                features = self.packer.pack_ids(
                    [ids_a[row] for row in batch], [ids_b[row] for row in batch]
                )
                logits[batch] = self.run(features)
                progress.update(len(batch))
        return logits

    def score(self, pairs):
        """Scores of pairs.

        Args:
            pairs: a list of `(text_a, text_b)`, or `Pairs`.

        Returns:
            float32 `(n,)` in [0, 1], or `(n, classes)` for more than two
            classes. No pairs give an array of shape `(0,)`.
        """
        if not hasattr(pairs, "text_a"):
            pairs = list(pairs)  # such as those of `zip`
        if not len(pairs):
            return np.empty((0,), "float32")
        return self.scoring.scores(self.logits(pairs))

    def rank(self, query, candidates, top_k=None, groups=None):
        """The candidates best first.

        Args:
            query: string.
            candidates: list of strings; an empty one gives an empty list.
            top_k: int or None, how many to return.
            groups: list of the answer that each candidate stands for, such as
                its id, where an answer has several phrasings; of each answer
                the best phrasing alone is returned. None for one each.

        Returns:
            A list of `Ranked(index, score, text)`; equal candidates stay in
            the order given. `Ranked.band` says whether it is a match.
        """
        if groups is not None:
            groups = [groups]
        return self.rank_many([query], [candidates], top_k, groups)[0]

    def rank_many(self, queries, candidates, top_k=None, groups=None):
        """Ranks each query's own candidates, in one go.

        Args:
            queries: list of strings.
            candidates: a list of lists of strings, one for each query.
            top_k: int or None, how many to return for each.
            groups: a list of lists, as `candidates`, or None; see `rank`.

        Returns:
            A list, for each query, of what `rank` returns.
        """
        # Refuses a model of many classes before the work, not after.
        self.scoring.rank_keys(np.empty((0, self.num_classes)))
        queries, candidates = _checked_lists(queries, candidates)
        groups = _checked_groups(groups, candidates)
        if top_k is not None:
            top_k = check_positive_int(top_k, "top_k")
        pairs = [
            (query, text)
            for query, texts in zip(queries, candidates, strict=True)
            for text in texts
        ]
        if not pairs:
            return [[] for _ in queries]
        logits = self.logits(pairs)
        keys = self.scoring.rank_keys(logits)
        scores = self.scoring.scores(logits)
        ranked = []
        start = 0
        for texts, own_groups in zip(candidates, groups, strict=True):
            part = slice(start, start + len(texts))
            order = np.argsort(-keys[part], kind="stable")
            order = _first_of_each(order, own_groups)[:top_k]
            ranked.append(
                [self._place(i, float(scores[part][i]), texts) for i in order]
            )
            start += len(texts)
        return ranked

    def _place(self, index, score, texts):
        band = self.scoring.band(score)
        return Ranked(int(index), score, texts[index], band)


def _first_of_each(order, groups):
    """The places of `order` whose group did not come before."""
    if groups is None:
        return order
    best = {}
    for place in order:
        best.setdefault(groups[place], place)
    return list(best.values())


def _checked_groups(groups, candidates):
    """For each list of candidates its groups, or None."""
    if groups is None:
        return [None] * len(candidates)
    counts = [len(texts) for texts in candidates]
    found = [len(own) for own in groups]
    if counts != found:
        raise ValueError(
            "`groups` must name the answer of each candidate. Received: "
            f"groups of {found[:5]} entries for {counts[:5]} candidates."
        )
    return groups


def _columns(pairs):
    """The two texts of each pair as two lists, or an error naming the pair."""
    if hasattr(pairs, "text_a"):
        return list(pairs.text_a), list(pairs.text_b)
    text_a, text_b = [], []
    for index, pair in enumerate(pairs):
        if isinstance(pair, str) or not _is_two(pair):
            raise ValueError(
                "`pairs` must hold two strings in each place, (text_a, "
                f"text_b). Received at position {index}: {pair!r}."
            )
        check_text(pair[0], f"the first text of pair {index}")
        check_text(pair[1], f"the second text of pair {index}")
        text_a.append(pair[0])
        text_b.append(pair[1])
    return text_a, text_b


def _is_two(pair):
    return isinstance(pair, tuple | list | np.ndarray) and len(pair) == 2


def _checked_lists(queries, candidates):
    """Both as lists of strings, whatever they can be iterated as."""
    if isinstance(queries, str) or isinstance(candidates, str):
        raise TypeError(
            "`rank_many` expects a list of queries and for each a list of "
            f"candidates. Received: queries={queries!r} and "
            f"candidates={candidates!r}. For one query use `rank`."
        )
    queries, candidates = list(queries), list(candidates)
    if len(queries) != len(candidates):
        raise ValueError(
            "`rank_many` expects a list of queries and for each a list of "
            f"candidates. Received: {len(queries)} queries and "
            f"{len(candidates)} lists."
        )
    for number, query in enumerate(queries):
        check_text(query, f"query {number}")
    lists = []
    for number, texts in enumerate(candidates):
        if texts is None or isinstance(texts, str):
            raise TypeError(
                "`candidates` must be a list of strings, one for each "
                f"candidate. Received: {texts!r} for query {number}."
            )
        lists.append(
            [
                check_text(text, f"candidate {place} of query {number}")
                for place, text in enumerate(texts)
            ]
        )
    return queries, lists
