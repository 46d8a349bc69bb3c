"""One record of how well a model did on pairs, for people and for files."""

import dataclasses
from typing import Any
from typing import NamedTuple

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.evaluation.model_scores import decide
from semmatch.evaluation.prior import PriorFigures
from semmatch.evaluation.report import ClassificationReport
from semmatch.evaluation.text_table import text_table

# The fields that have an interval, and what a table calls them.
_FIGURES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "auc": "AUC",
    "average_precision": "average precision",
    "mcc": "Matthews",
    "spearman": "Spearman",
    "pearson": "Pearson",
    "ece": "calibration error",
    "brier": "Brier score",
}


class PairError(NamedTuple):
    """A pair that the model got wrong.

    Attributes:
        index: int, the row of the pair.
        text_a: str.
        text_b: str.
        label: int, the true class.
        score: float; of several classes that of the predicted one.
    """

    # A field may hide the method of tuple that nobody calls on a record.
    index: int  # type: ignore[assignment]
    text_a: str
    text_b: str
    label: int
    score: float


@dataclasses.dataclass(frozen=True, eq=False)
class PairReport:
    """What `evaluate_pairs` measured; `str` of it is a set of text tables.

    Figures are None where they are not defined: those of two classes for a
    model of more, all but `spearman` and `pearson` for graded labels, and
    those of order if one label alone occurs.

    Attributes:
        pairs: the pairs.
        labels: `(n,)`, int64, or float for graded ones.
        scores: floats, `(n,)` or `(n, classes)`; for graded labels and a
            model of vectors its similarities.
        threshold: float, from which score on class 1 is predicted; None for
            several classes and graded labels.
        intervals: a dict from the name of each figure that follows to its 95
            % bootstrap interval over pairs, `(low, high)`, or None if no
            resample has it.
        classification: `ClassificationReport` at `threshold`; of several
            classes the largest score decides.
        classification_at_half: `ClassificationReport` at 0.5.
        at_prior: `PriorFigures`, None without a prior.
        accuracy: float, the share of right predictions.
        f1: float, of class 1.
        auc: float, area under the ROC curve.
        average_precision: float.
        mcc: float, `matthews_correlation` at the threshold.
        spearman: float, `spearman` of labels and scores.
        pearson: float, `pearson` of graded labels and scores.
        ece: float, `expected_calibration_error` of the scores.
        brier: float, `brier_score` of the scores.
    """

    pairs: Any
    labels: np.ndarray
    scores: np.ndarray
    threshold: float | None
    intervals: dict
    classification: ClassificationReport | None = None
    classification_at_half: ClassificationReport | None = None
    at_prior: PriorFigures | None = None
    accuracy: float | None = None
    f1: float | None = None
    auc: float | None = None
    average_precision: float | None = None
    mcc: float | None = None
    spearman: float | None = None
    pearson: float | None = None
    ece: float | None = None
    brier: float | None = None

    def __str__(self):
        parts = [self._labels(), self._figures()]
        if self.threshold is not None:
            parts.append(self._decisions())
        elif self.classification is not None:
            parts.append(str(self.classification))
        return "\n\n".join(parts)

    def _labels(self):
        total, low, high = (
            len(self.labels),
            self.labels.min(),
            self.labels.max(),
        )
        if self.classification is None:
            return (
                f"{total:,} pairs with graded labels from {low:g} to {high:g}: "
                "correlations alone are measured"
            )
        if self.threshold is None:
            return f"{total:,} pairs"
        text = f"{total:,} pairs, {self.labels.sum():,} of label 1"
        return text if low != high else f"{text}: no order to measure"

    def _figures(self):
        rows = [["", "value", "95 % interval"]]
        for name, title in _FIGURES.items():
            value, ends = getattr(self, name), self.intervals.get(name)
            if value is not None:
                interval = f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else ""
                rows.append([title, f"{value:.4f}", interval])
        return text_table(rows)

    def _decisions(self):
        rows = [["", "accuracy", "precision", "recall", "f1"]]
        reports = [self.classification]
        if self.threshold != 0.5:
            reports.append(self.classification_at_half)
        for report in reports:
            of_matches = report.precision[1], report.recall[1], report.f1[1]
            figures = report.accuracy, *of_matches
            rows.append(
                [f"score >= {report.threshold:g}", *map(_four, figures)]
            )
        if self.at_prior is not None:
            prior, *figures = self.at_prior
            name = f"at {self.threshold:g}, prior {prior:g}"
            rows.append([name, *map(_four, figures)])
        return text_table(rows)

    def worst_errors(self, count=10):
        """The pairs that are wrong, those first that are so most surely.

        Args:
            count: int, at most how many.

        Returns:
            A list of `PairError`. Of one score a pair they fall by the
            distance of score and label, of several classes by the score of
            the predicted one.

        Raises:
            ValueError: for graded labels, of which none is wrong.
        """
        count = check_positive_int(count, "count")
        if self.classification is None:
            raise ValueError(
                "`worst_errors` expects labels that are classes. Received: a "
                "report of graded labels, of which no score is right or wrong."
            )
        scores, labels = self.scores, self.labels
        if scores.ndim == 2:
            scores = surety = scores.max(axis=1)
        else:
            surety = np.abs(scores - labels)
        wrong = np.flatnonzero(decide(self.scores, self.threshold) != labels)
        rows = wrong[np.argsort(-surety[wrong], kind="stable")][:count]
        return [
            PairError(
                int(row),
                self.pairs.text_a[row],
                self.pairs.text_b[row],
                int(labels[row]),
                float(scores[row]),
            )
            for row in rows
        ]

    def errors_table(self, count=10):
        """`worst_errors` as a text table, one line a pair."""
        errors = self.worst_errors(count)
        numbers = [["row", "label", "score"]]
        texts = ["texts"]
        for row, text_a, text_b, label, score in errors:
            numbers.append([str(row), str(label), f"{score:.4f}"])
            # White space such as a line feed would break the table.
            texts.append(
                " | ".join(" ".join(t.split()) for t in (text_a, text_b))
            )
        lines = text_table(numbers).split("\n")
        return "\n".join(map("  ".join, zip(lines, texts, strict=True)))

    def to_dict(self):
        """The report as JSON types, without pairs, labels and scores."""
        values = {"num_pairs": len(self.labels), "threshold": self.threshold}
        for name in ("classification", "classification_at_half"):
            report = getattr(self, name)
            values[name] = None if report is None else report.to_dict()
        prior = self.at_prior
        values["at_prior"] = None if prior is None else prior._asdict()
        values |= {name: getattr(self, name) for name in _FIGURES}
        values["intervals"] = {
            name: None if ends is None else list(ends)
            for name, ends in self.intervals.items()
        }
        return values


def _four(value):
    return f"{value:.4f}"
