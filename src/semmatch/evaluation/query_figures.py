"""From what was found for each query to a report on all of them."""

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.evaluation.bootstrap import bootstrap_intervals
from semmatch.evaluation.ranking_figures import hit_at
from semmatch.evaluation.ranking_figures import ndcg_at
from semmatch.evaluation.ranking_figures import ranked_average_precision
from semmatch.evaluation.ranking_figures import recall_at
from semmatch.evaluation.ranking_figures import reciprocal_rank
from semmatch.evaluation.ranking_report import RankingReport

_AT_K = {"ndcg": ndcg_at, "recall": recall_at, "hit": hit_at}


def check_ks(ks):
    """Numbers of first places, each once, the lowest first.

    >>> check_ks((10, 1, 1))
    [1, 10]

    Raises:
        ValueError: if there are none, or one is no integer of at least 1.
    """
    ks = sorted({check_positive_int(k, "ks") for k in ks})
    if not ks:
        raise ValueError(
            "`ks` must hold at least one number of first places, such as (1, "
            f"10). Received: ks={ks}."
        )
    return ks


def reaches(score, threshold):
    """Whether a first place is given as the answer.

    In float32, as scores are, so that it ends as `Scoring.band` does.

    >>> reaches(np.float32(0.7), 0.7)
    True
    """
    return bool(np.float32(score) >= np.float32(threshold))


def query_figures(relevance, ks, *, unretrieved=(), answered=None):
    """The figures of one query, a dict from their names.

    Args:
        relevance: numbers of at least 0, `(n,)`, best place first.
        ks: ints, how many first places nDCG, recall and hit count.
        unretrieved: numbers of at least 0, the relevance of candidates that
            were not found.
        answered: bool, whether the first place is given as the answer; None
            if that is not measured.

    >>> query_figures([0, 0], [1], answered=True)
    {'false_answers': 1.0}
    >>> list(query_figures([0, 1], [2]))
    ['mrr', 'map', 'ndcg@2', 'recall@2', 'hit@2']
    """
    if not any(value > 0 for value in (*relevance, *unretrieved)):
        return {} if answered is None else {"false_answers": float(answered)}
    figures = {
        "mrr": reciprocal_rank(relevance, unretrieved),
        "map": ranked_average_precision(relevance, unretrieved),
        **{
            f"{name}@{k}": figure(relevance, k, unretrieved)
            for name, figure in _AT_K.items()
            for k in ks
        },
    }
    if answered is not None:
        right = answered and relevance[0] > 0
        figures |= {"answered": answered, "right_answers": right}
    return {name: float(value) for name, value in figures.items()}


def ranking_report(
    queries, figures, ks, *, depth, threshold, num_resamples, seed
):
    """`RankingReport` of the `query_figures` of each query."""
    names = dict.fromkeys(name for row in figures for name in row)
    per_query = {
        name: np.array([row.get(name, np.nan) for row in figures])
        for name in names
    }
    means, intervals = {}, {}
    for names, table in figure_tables(per_query):
        every = np.arange(len(table))
        means |= means_of(names, table, every)
        intervals |= bootstrap_intervals(
            lambda rows, names=names, table=table: means_of(names, table, rows),
            len(table),
            num_resamples,
            seed,
        )
    return RankingReport(
        queries=list(queries),
        per_query=per_query,
        num_lists=len(figures),
        num_without_relevant=sum("mrr" not in row for row in figures),
        depth=depth,
        threshold=threshold,
        intervals=intervals,
        **{
            name: means.get(name)
            for name in (
                "mrr",
                "map",
                "answered",
                "right_answers",
                "false_answers",
            )
        },
        **{
            name: {k: means[f"{name}@{k}"] for k in ks}
            if "mrr" in means
            else None
            for name in _AT_K
        },
    )


def figure_tables(per_query):
    """Figures that the same queries have, together.

    Args:
        per_query: as of `RankingReport`.

    Yields:
        Their names, and their values `(n, names)` of the n queries.

    >>> nan = np.nan
    >>> both = {"mrr": np.array([1, nan]), "false_answers": np.array([nan, 0])}
    >>> [(names, table.tolist()) for names, table in figure_tables(both)]
    [(['mrr'], [[1.0]]), (['false_answers'], [[0.0]])]
    """
    groups = {}
    for name, values in per_query.items():
        groups.setdefault(np.isnan(values).tobytes(), []).append(name)
    for names in groups.values():
        table = np.stack([per_query[name] for name in names], axis=1)
        yield names, table[~np.isnan(table[:, 0])]


def means_of(names, table, rows):
    """The means of some rows of a table, a dict from their names."""
    # How often each row is drawn: no copy of all of them.
    counts = np.bincount(rows, minlength=len(table))
    return dict(zip(names, (counts @ table / len(rows)).tolist(), strict=True))
