"""One record of how well a model ranks and answers."""

import dataclasses

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


@dataclasses.dataclass(frozen=True, eq=False)
class RankingReport:
    """What `evaluate_ranking` measured; `str` of it is a text table.

    A list is answered if its first candidate's score is at least the
    threshold. All but `false_answers` are means over the lists with a
    relevant candidate, and None if there are none.

    Attributes:
        num_lists: int.
        num_without_relevant: int, of them those without a relevant candidate.
        threshold: float, the model's.
        intervals: a dict from the name of each figure, such as `"mrr"` and
            `"ndcg@10"`, to its 95 % bootstrap interval over lists, `(low,
            high)`.
        mrr: float, mean of `reciprocal_rank`.
        map: float, mean of `ranked_average_precision`.
        ndcg: dict from each k to the mean of `ndcg_at`.
        recall: dict from each k to the mean of `recall_at`.
        hit: dict from each k to the mean of `hit_at`.
        answered: float, the share of lists that are answered.
        right_answers: float, the share that is answered by a relevant
            candidate.
        false_answers: float, the share of the lists without a relevant
            candidate that is answered all the same; None if all have one.
    """

    num_lists: int
    num_without_relevant: int
    threshold: float
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
        return (
            f"{self.num_lists:,} lists, {self.num_without_relevant:,} of them "
            f"without a relevant candidate\n\n{text_table(rows)}\n\n"
            f"answered if score >= {self.threshold:g}"
        )

    def _row(self, name, title, value):
        low, high = self.intervals[name]
        return [title, f"{value:.4f}", f"{low:.4f} to {high:.4f}"]

    def to_dict(self):
        """The report as JSON types; numbers k become strings."""
        values = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                value = {
                    str(key): list(entry) if isinstance(entry, tuple) else entry
                    for key, entry in value.items()
                }
            values[field.name] = value
        return values
