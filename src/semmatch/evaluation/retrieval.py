"""Evaluates a search over a whole index."""

import math
import numbers

from semmatch._checks import check_positive_int
from semmatch.evaluation.query_figures import check_ks
from semmatch.evaluation.query_figures import query_figures
from semmatch.evaluation.query_figures import ranking_report
from semmatch.evaluation.query_figures import reaches


def evaluate_retrieval(
    searcher,
    queries,
    relevant,
    *,
    ks=(1, 3, 5, 10),
    threshold=None,
    num_resamples=1000,
    seed=0,
):
    """Measures what a search finds, with 95 % intervals.

    The first `max(ks)` results of each query count. What is relevant and not
    among them is not found, wherever it would stand: it adds nothing to MRR
    and MAP, and recall, MAP and nDCG are shares of *all* that is relevant.
    Queries without anything relevant are left out of these figures.

    Args:
        searcher: `FAQIndex`, `RetrieveRerank`, or another with
            `search_many(queries, top_k)`, which gives for each query a list
            of results, best first, each with an `id`.
        queries: list of strings.
        relevant: for each query the ids that answer it, a set or list, or a
            dict from id to grade, the higher the more for nDCG; of grade 0
            is what is not relevant. Empty for a query that has no answer.
        ks: ints, how many first places nDCG, recall and hit count.
        threshold: float, from which `score` of its first result on a query
            is answered, as of `evaluate_ranking`; None to leave these figures
            out.
        num_resamples: int, of the bootstrap, see `RankingReport.intervals`.
        seed: int, fixes which queries are drawn.

    Returns:
        `RankingReport`.

    >>> import collections
    >>> Result = collections.namedtuple("Result", ["id", "score"])
    >>> class Index:  # in place of a `FAQIndex`
    ...     def search_many(self, queries, top_k):
    ...         return [[Result("repay", 0.9), Result("open", 0.6)][:top_k]
    ...                 for _ in queries]
    >>> print(evaluate_retrieval(
    ...     Index(),
    ...     ["怎么还款", "怎么开户", "怎么销户"],
    ...     [{"repay"}, {"open": 2, "close": 1}, {"close"}],
    ...     ks=[1, 2],
    ... ))
    3 lists, 0 of them without a relevant candidate; 2 candidates searched for
    <BLANKLINE>
               value     95 % interval
    MRR       0.5000  0.0000 to 1.0000
    MAP       0.4167  0.0000 to 1.0000
    nDCG@1    0.3333  0.0000 to 1.0000
    nDCG@2    0.5071  0.0000 to 1.0000
    recall@1  0.3333  0.0000 to 1.0000
    recall@2  0.5000  0.0000 to 1.0000
    hit@1     0.3333  0.0000 to 1.0000
    hit@2     0.6667  0.0000 to 1.0000

    Raises:
        TypeError: if a string or a single id stands for what is relevant.
        ValueError: without queries, if nothing is relevant to any and there
            is no `threshold`; for grades below 0; if the search gives an id
            twice, or not a list for each query.
    """
    ks = check_ks(ks)
    num_resamples = check_positive_int(num_resamples, "num_resamples")
    queries = list(queries)
    grades = _checked_grades(queries, relevant, threshold)
    depth = ks[-1]
    found = searcher.search_many(queries, top_k=depth)
    if len(found) != len(queries):
        raise ValueError(
            "`search_many` must give a list of results for each query. "
            f"Received: {len(found)} lists for {len(queries)} queries."
        )
    figures = []
    for number, (results, own) in enumerate(zip(found, grades, strict=True)):
        ids = [result.id for result in results[:depth]]
        if len(set(ids)) < len(ids):
            raise ValueError(
                "`search_many` must give each id once. Received for query "
                f"{number}: {ids}. Where an answer has several phrasings, "
                "keep the best of each."
            )
        answered = None
        if threshold is not None:
            top_score = results[0].score if ids else -math.inf
            answered = reaches(top_score, threshold)
        figures.append(
            query_figures(
                [own.pop(id_, 0) for id_ in ids],
                ks,
                unretrieved=list(own.values()),
                answered=answered,
            )
        )
    return ranking_report(
        queries,
        figures,
        ks,
        depth=depth,
        threshold=None if threshold is None else float(threshold),
        num_resamples=num_resamples,
        seed=seed,
    )


def _checked_grades(queries, relevant, threshold):
    """For each query a new dict from each relevant id to its grade."""
    relevant = list(relevant)
    if not queries or len(queries) != len(relevant):
        raise ValueError(
            "`evaluate_retrieval` expects queries and for each the ids that "
            f"are relevant. Received: {len(queries)} queries and "
            f"{len(relevant)} such collections."
        )
    grades = [_grades(own, number) for number, own in enumerate(relevant)]
    if threshold is not None and math.isnan(threshold):
        raise ValueError(
            "`threshold` must be a number, or None to leave what is answered "
            f"out. Received: threshold={threshold}."
        )
    if threshold is None and not any(grades):
        raise ValueError(
            "`evaluate_retrieval` expects something relevant to one query at "
            f"least. Received: {len(queries)} queries without. With a "
            "`threshold` it counts how many of them are answered."
        )
    return grades


def _grades(own, number):
    if isinstance(own, str) or not hasattr(own, "__iter__"):
        raise TypeError(
            "`relevant` must hold for each query a collection of ids, or a "
            f"dict from id to grade. Received for query {number}: {own!r}. "
            "Put a single id into a list."
        )
    if not isinstance(own, dict):
        own = dict.fromkeys(own, 1)
    for id_, grade in own.items():
        number_like = isinstance(grade, numbers.Real)
        if not number_like or not 0 <= grade < math.inf:
            raise ValueError(
                "Grades of `relevant` must be finite numbers of at least 0. "
                f"Received for query {number}: {grade!r} of id {id_!r}."
            )
    return {id_: float(grade) for id_, grade in own.items() if grade > 0}
