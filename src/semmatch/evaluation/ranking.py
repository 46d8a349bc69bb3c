"""Evaluates a model on queries with candidates."""

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.evaluation.query_figures import check_ks
from semmatch.evaluation.query_figures import query_figures
from semmatch.evaluation.query_figures import ranking_report
from semmatch.evaluation.query_figures import reaches


def evaluate_ranking(
    model, lists, *, ks=(1, 3, 5, 10), num_resamples=1000, seed=0
):
    """Measures how a model ranks candidates, and whether it answers.

    Lists without a relevant candidate say nothing about the order and are
    left out of its figures, as is usual on TrecQA. They count for
    `false_answers`: whatever a model answers there is wrong. The model gets
    candidates in a drawn order: files have the relevant ones first, and a
    model that scores all alike would profit from it.

    Args:
        model: `CrossEncoder`, `BiEncoder`, `Matcher`, or another with
            `rank_many(queries, candidates)` and `scoring.threshold`.
        lists: `RankedLists`; a label above 0 is relevant, and the higher the
            more for nDCG.
        ks: ints, how many first places nDCG, recall and hit count.
        num_resamples: int, of the bootstrap, see `RankingReport.intervals`.
        seed: int, fixes the order of candidates and which lists are drawn.

    Returns:
        `RankingReport`.

    >>> from semmatch._records import Ranked, Scoring
    >>> from semmatch.data import RankedLists
    >>> class Model:  # in place of a `CrossEncoder`
    ...     scoring = Scoring("sigmoid", threshold=0.5)
    ...
    ...     def rank_many(self, queries, candidates):
    ...         return [
    ...             [Ranked(texts.index("怎么销户"), 0.9, "怎么销户"),
    ...              Ranked(texts.index("如何还款"), 0.2, "如何还款")]
    ...             for texts in candidates
    ...         ]
    >>> lists = RankedLists(
    ...     ["怎么还款", "你好"],
    ...     [["如何还款", "怎么销户"], ["如何还款", "怎么销户"]],
    ...     [[1, 0], [0, 0]],
    ... )
    >>> print(evaluate_ranking(Model(), lists, ks=[1, 2]))
    2 lists, 1 of them without a relevant candidate
    <BLANKLINE>
                    value     95 % interval
    MRR            0.5000  0.5000 to 0.5000
    MAP            0.5000  0.5000 to 0.5000
    nDCG@1         0.0000  0.0000 to 0.0000
    nDCG@2         0.6309  0.6309 to 0.6309
    recall@1       0.0000  0.0000 to 0.0000
    recall@2       1.0000  1.0000 to 1.0000
    hit@1          0.0000  0.0000 to 0.0000
    hit@2          1.0000  1.0000 to 1.0000
    answered       1.0000  1.0000 to 1.0000
    right answers  0.0000  0.0000 to 0.0000
    false answers  1.0000  1.0000 to 1.0000
    <BLANKLINE>
    answered if score >= 0.5

    Raises:
        ValueError: if there are no candidates at all; for labels below 0;
            if the model does not rank each candidate once.
    """
    ks = check_ks(ks)
    num_resamples = check_positive_int(num_resamples, "num_resamples")
    threshold = float(model.scoring.threshold)
    figures = [
        query_figures(relevance, ks, answered=reaches(top_score, threshold))
        for relevance, top_score in _ranked(model, lists, seed)
    ]
    return ranking_report(
        lists.query,
        figures,
        ks,
        depth=None,
        threshold=threshold,
        num_resamples=num_resamples,
        seed=seed,
    )


def _ranked(model, lists, seed):
    """For each list, relevance in ranked order and the first one's score."""
    if not any(map(len, lists.candidates)):
        raise ValueError(
            "`evaluate_ranking` expects lists with candidates. Received: "
            f"{lists!r}."
        )
    for number, label in enumerate(lists.label):
        if np.min(label, initial=0) < 0:
            raise ValueError(
                "Labels of `RankedLists` must be at least 0 to be ranked. "
                f"Received: {np.min(label)} for query {number}."
            )
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(len(label)) for label in lists.label]
    ranked = model.rank_many(
        lists.query,
        [
            [texts[index] for index in order]
            for texts, order in zip(lists.candidates, drawn, strict=True)
        ],
    )
    rows = zip(lists.label, drawn, ranked, strict=True)
    for number, (label, own, places) in enumerate(rows):
        order = [place.index for place in places]
        if sorted(order) != list(range(len(label))):
            raise ValueError(
                "`model.rank_many` must rank each candidate once. Received "
                f"for query {number}: {len(order)} places for {len(label)} "
                "candidates."
            )
        # Without candidates there is nothing to answer with.
        top_score = places[0].score if places else -np.inf
        yield np.array(label)[own[order]], top_score
