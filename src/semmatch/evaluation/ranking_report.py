"""One record of how well a model ranks and answers."""

import dataclasses

import numpy as np

from semmatch.evaluation.text_table import text_table

# The fields with a figure, and what a table calls them.
_FIGURES = {
    "mrr": "MRR",
    "map": "MAP",
    "ndcg": "nDCG",
    "recall": "recall",
    "hit": "hit",
    "answered": "answered",
    "right_answers": "right answers",
    "false_answers": "false answers",
}

# Those of `to_dict` are of all queries together.
_OF_EACH = ("queries", "per_query")


@dataclasses.dataclass(frozen=True, eq=False)
class RankingReport:
    """What `evaluate_ranking` or `evaluate_retrieval` measured.

    `str` of it is a text table. A query is answered if its first candidate's
    score is at least the threshold. All but `false_answers` are means over
    the queries with a relevant candidate, and None if there are none.

    Attributes:
        queries: list of strings.
        per_query: a dict from the name of each figure, such as `"mrr"` and
            `"ndcg@10"`, to its values, float `(queries,)`, NaN for a query
            that does not have it.
        num_lists: int, the queries.
        num_without_relevant: int, of them those without a relevant candidate.
        depth: int, how many candidates were searched for; None where all
            were ranked.
        threshold: float; None if whether to answer was not measured.
        intervals: a dict from the name of each figure to its 95 % bootstrap
            interval over queries, `(low, high)`.
        mrr: float, mean of `reciprocal_rank`.
        map: float, mean of `ranked_average_precision`.
        ndcg: dict from each k to the mean of `ndcg_at`.
        recall: dict from each k to the mean of `recall_at`.
        hit: dict from each k to the mean of `hit_at`.
        answered: float, the share of queries that are answered.
        right_answers: float, the share that is answered by a relevant
            candidate.
        false_answers: float, the share of the queries without a relevant
            candidate that is answered all the same; None if all have one.
    """

    queries: list
    per_query: dict[str, np.ndarray]
    num_lists: int
    num_without_relevant: int
    depth: int | None
    threshold: float | None
    intervals: dict
    mrr: float | None
    map: float | None
    ndcg: dict | None
    recall: dict | None
    hit: dict | None
    answered: float | None
    right_answers: float | None
    false_answers: float | None

    def __str__(self):
        rows = [["", "value", "95 % interval"]]
        for name, title in _FIGURES.items():
            value = getattr(self, name)
            if isinstance(value, dict):
                for k, at_k in value.items():
                    rows.append(self._row(f"{name}@{k}", f"{title}@{k}", at_k))
            elif value is not None:
                rows.append(self._row(name, title, value))
        parts = [
            f"{self.num_lists:,} lists, {self.num_without_relevant:,} of them "
            "without a relevant candidate"
        ]
        if self.depth is not None:
            parts[0] += f"; {self.depth} candidates searched for"
        parts.append(text_table(rows))
        if self.threshold is not None:
            parts.append(f"answered if score >= {self.threshold:g}")
        return "\n\n".join(parts)

    def _row(self, name, title, value):
        low, high = self.intervals[name]
        return [title, f"{value:.4f}", f"{low:.4f} to {high:.4f}"]

    def to_dict(self):
        """The report as JSON types, of all queries together.

        Numbers k become strings.
        """
        values = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                value = {
                    str(key): list(entry) if isinstance(entry, tuple) else entry
                    for key, entry in value.items()
                }
            if field.name not in _OF_EACH:
                values[field.name] = value
        return values
