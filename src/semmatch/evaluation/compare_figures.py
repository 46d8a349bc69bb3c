"""Compares two systems by correlations, or by how they rank."""

import functools

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.evaluation.correlations import or_nan
from semmatch.evaluation.correlations import pearson
from semmatch.evaluation.correlations import ranks
from semmatch.evaluation.correlations import spearman
from semmatch.evaluation.figure_comparison import FigureComparison
from semmatch.evaluation.figure_comparison import paired_differences
from semmatch.evaluation.model_scores import score_labelled
from semmatch.evaluation.query_figures import figure_tables
from semmatch.evaluation.query_figures import means_of


def compare_correlations(
    model_a, model_b, pairs, *, num_resamples=1000, seed=0
):
    """Compares the correlations of two models with graded labels.

    They are those of `evaluate_pairs`: of the similarities of a model of
    vectors, of the scores of another. For the p-values, see
    `paired_differences`, models exchange the ranks that they give a pair, and
    for Pearson their scores in standard deviations from the mean.

    Args:
        model_a: `CrossEncoder`, `BiEncoder`, `Matcher`, or another with
            `score(pairs)`, one score a pair.
        model_b: another one.
        pairs: labelled `Pairs`, other than those that a model was chosen on.
        num_resamples: int, see `paired_differences`.
        seed: int, fixes the resamples.

    Returns:
        `FigureComparison` of `"spearman"` and `"pearson"`.

    >>> from semmatch.data import Pairs
    >>> class Model:  # in place of a `BiEncoder`
    ...     def __init__(self, *scores):
    ...         self.scores = scores
    ...
    ...     def score(self, pairs):
    ...         return np.array(self.scores, "float32")
    >>> pairs = Pairs(list("abcde"), list("fghij"), [0, 1, 2.5, 4, 5])
    >>> model_a, model_b = Model(.1, .2, .3, .4, .6), Model(.1, .3, .2, .4, .6)
    >>> print(compare_correlations(model_a, model_b, pairs))
                   a       b    a - b       95 % interval     p  examples
    spearman  1.0000  0.9000  +0.1000  +0.0000 to ...                   5
    pearson   0.9772  0.8826  +0.0946  ...

    Raises:
        ValueError: without pairs or labels, for a model of several classes,
            and if all labels or all scores of a model are equal.
    """
    num_resamples = check_positive_int(num_resamples, "num_resamples")
    values = []
    for model in (model_a, model_b):
        labels, scores = score_labelled(model, pairs, "compare_correlations")
        # Refuses what has no correlation, before it is standardised.
        spearman(labels, scores)
        scores = scores.astype("float64")
        standard = (scores - scores.mean()) / scores.std()
        values.append(np.stack([ranks(scores), standard], axis=1))

    def measure(values, rows):
        own, (places, scores) = labels[rows], values[rows].T
        return {
            "spearman": or_nan(spearman, own, places),
            "pearson": or_nan(pearson, own, scores),
        }

    return FigureComparison(
        paired_differences(measure, *values, num_resamples, seed)
    )


def compare_rankings(report_a, report_b, *, num_resamples=1000, seed=0):
    """Compares two rankings of the same queries.

    Args:
        report_a: `RankingReport` of the first system.
        report_b: that of the second, of the same queries in the same order.
        num_resamples: int, see `paired_differences`.
        seed: int, fixes the resamples.

    Returns:
        `FigureComparison` of the figures that both reports have.

    >>> from semmatch.data import RankedLists
    >>> from semmatch.evaluation import evaluate_ranking
    >>> from semmatch.serving import CharacterOverlap
    >>> lists = RankedLists(
    ...     ["怎么还款", "怎么开户"],
    ...     [["如何还款", "怎么销户"], ["如何开户", "怎么销户"]],
    ...     [[1, 0], [1, 0]],
    ... )
    >>> report = evaluate_ranking(CharacterOverlap(), lists, ks=[1])
    >>> compare_rankings(report, report).figures["mrr"].p_value
    1.0

    Raises:
        ValueError: if the queries differ, which of them have something
            relevant, or how many candidates were searched for.
    """
    num_resamples = check_positive_int(num_resamples, "num_resamples")
    _check_same(report_a, report_b)
    shared = [name for name in report_a.per_query if name in report_b.per_query]
    of_a, of_b = (
        figure_tables({name: report.per_query[name] for name in shared})
        for report in (report_a, report_b)
    )
    figures = {}
    for (names, a), (_, b) in zip(of_a, of_b, strict=True):
        measure = functools.partial(means_of, names)
        figures |= paired_differences(measure, a, b, num_resamples, seed)
    return FigureComparison({name: figures[name] for name in shared})


def _check_same(report_a, report_b):
    if report_a.queries != report_b.queries:
        numbers = range(min(len(report_a.queries), len(report_b.queries)))
        first = next(
            (n for n in numbers if report_a.queries[n] != report_b.queries[n]),
            len(numbers),
        )
        raise ValueError(
            "`compare_rankings` expects two reports of the same queries in "
            f"the same order. Received: {len(report_a.queries)} and "
            f"{len(report_b.queries)} queries, which differ from query "
            f"{first} on."
        )
    relevant = [
        ~np.isnan(
            report.per_query.get("mrr", np.full(report.num_lists, np.nan))
        )
        for report in (report_a, report_b)
    ]
    wrong = np.flatnonzero(relevant[0] != relevant[1])
    if wrong.size:
        raise ValueError(
            "`compare_rankings` expects reports that agree on which queries "
            f"have a relevant candidate. Received: query {wrong[0]} has one "
            f"in one report alone, and {wrong.size} such queries. Evaluate "
            "both systems on the same labels."
        )
    if report_a.depth != report_b.depth:
        raise ValueError(
            "`compare_rankings` expects searches of the same depth, since "
            "MRR and MAP depend on it. Received: depth="
            f"{report_a.depth} and {report_b.depth}."
        )
