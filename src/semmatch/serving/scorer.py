"""Scoring and ranking pairs of strings, whatever computes their logits."""

from collections.abc import Hashable
from collections.abc import Iterable

import numpy as np

from semmatch._checks import check_positive_int
from semmatch._checks import check_text
from semmatch._checks import shown
from semmatch._records import Ranked


class Scorer:
    """Turns pairs into scores and ranks candidates by a `Scoring`.

    A subclass gives `logits(pairs)`, float32 `(n, num_classes)` in the order
    given. All models and `Matcher` score through this class, so that they
    round, sort and refuse alike.

    Args:
        scoring: `Scoring`.
        num_classes: int, logits of a pair.
    """

    def __init__(self, scoring, num_classes=1):
        self.scoring = scoring
        self.num_classes = num_classes

    def score(self, pairs):
        """Scores of pairs.

        Args:
            pairs: a list of `(text_a, text_b)`, or `Pairs`.

        Returns:
            float32 `(n,)` in [0, 1], or `(n, classes)` for more than two
            classes. No pairs give an array of shape `(0,)`.
        """
        if not hasattr(pairs, "text_a"):
            # Such as those of `zip`.
            pairs = checked_list(pairs, "`pairs`", "(text_a, text_b)")
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
    groups = [
        _checked_group(own)
        for own in checked_list(groups, "`groups`", "the groups of a query")
    ]
    counts = [len(texts) for texts in candidates]
    found = [len(own) for own in groups]
    if counts != found:
        raise ValueError(
            "`groups` must name the answer of each candidate. Received: "
            f"groups of {found[:5]} entries for {counts[:5]} candidates."
        )
    return groups


def _checked_group(own):
    """The answers that one query's candidates stand for, as a list."""
    listed = checked_list(own, "`groups`", "the answer of a candidate")
    if isinstance(own, str) or not all(isinstance(g, Hashable) for g in listed):
        raise TypeError(
            "`groups` must be a list of strings or ints, the answer of each "
            f"candidate. Received: {shown(own)}."
        )
    return listed


def text_columns(pairs):
    """The two texts of each pair as two lists, or an error naming the pair."""
    if hasattr(pairs, "text_a"):
        return list(pairs.text_a), list(pairs.text_b)
    text_a, text_b = [], []
    pairs = checked_list(pairs, "`pairs`", "(text_a, text_b)")
    for index, pair in enumerate(pairs):
        if isinstance(pair, str) or not _is_two(pair):
            raise ValueError(
                "`pairs` must hold two strings in each place, (text_a, "
                f"text_b). Received at position {index}: {shown(pair)}."
            )
        check_text(pair[0], f"the first text of pair {index}")
        check_text(pair[1], f"the second text of pair {index}")
        text_a.append(pair[0])
        text_b.append(pair[1])
    return text_a, text_b


def checked_list(values, name, entry):
    """Values as a list, or an error if they are none.

    Args:
        values: what can be iterated.
        name: string, names them in the message.
        entry: string, what each of them is.
    """
    if not isinstance(values, Iterable):
        raise TypeError(
            f"{name} must be a list, with {entry} in each place. Received: "
            f"{shown(values)} of type {type(values).__name__}."
        )
    return list(values)


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
    queries = checked_list(queries, "`queries`", "a string")
    candidates = checked_list(candidates, "`candidates`", "a list of strings")
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
        if isinstance(texts, str) or not isinstance(texts, Iterable):
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
