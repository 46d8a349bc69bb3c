"""One record of how well a classifier did, for people and for files."""

import dataclasses
import math

import numpy as np

from semmatch.evaluation.classification import average_precision
from semmatch.evaluation.classification import confusion_matrix
from semmatch.evaluation.classification import roc_auc
from semmatch.evaluation.inputs import check_labels
from semmatch.evaluation.inputs import check_scores
from semmatch.evaluation.text_table import text_table

# The 97.5 % quantile of the normal distribution: 95 % between both tails.
NORMAL_QUANTILE = 1.959963984540054


@dataclasses.dataclass(frozen=True, eq=False)
class ClassificationReport:
    """What `classification_report` measured; `str` of it is a text table.

    Attributes:
        accuracy: float, the share of right predictions.
        accuracy_interval: `(low, high)`, the 95 % Wilson score interval.
        precision: float64 `(classes,)`; 0 for a class never predicted.
        recall: float64 `(classes,)`; 0 for a class without examples.
        f1: float64 `(classes,)`; 0 where precision and recall are.
        support: int64 `(classes,)`, examples of each true class.
        macro_f1: float, the mean of `f1`.
        auc: float, area under the ROC curve; None for more than two classes
            and if one class alone occurs.
        average_precision: float, or None as `auc`.
        confusion: int64 `(classes, classes)`: rows true, columns predicted.
        threshold: float; None where the largest score decided.
        class_names: tuple of str.
    """

    accuracy: float
    accuracy_interval: tuple[float, float]
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    macro_f1: float
    auc: float | None
    average_precision: float | None
    confusion: np.ndarray
    threshold: float | None
    class_names: tuple[str, ...]

    def __str__(self):
        figures = [["", "precision", "recall", "f1", "support"]]
        columns = (self.precision, self.recall, self.f1)
        for row, name in enumerate(self.class_names):
            cells = [f"{column[row]:.4f}" for column in columns]
            figures.append([name, *cells, str(self.support[row])])
        means = [f"{column.mean():.4f}" for column in columns]
        figures.append(["macro mean", *means, str(self.support.sum())])
        confusion = [["true \\ predicted", *self.class_names]]
        for name, row in zip(self.class_names, self.confusion, strict=True):
            confusion.append([name, *map(str, row)])
        return "\n\n".join(
            [text_table(figures), self._summary(), text_table(confusion)]
        )

    def _summary(self):
        low, high = self.accuracy_interval
        lines = [
            f"accuracy {self.accuracy:.4f} "
            f"(95 % interval {low:.4f} to {high:.4f})"
        ]
        if self.auc is not None:
            lines.append(
                f"AUC {self.auc:.4f}, "
                f"average precision {self.average_precision:.4f}"
            )
        if self.threshold is not None:
            lines.append(f"{self.class_names[1]} if score >= {self.threshold}")
        return "\n".join(lines)

    def to_dict(self):
        """The report as JSON types."""
        values = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value.tolist()
            values[field.name] = (
                list(value) if isinstance(value, tuple) else value
            )
        return values


def classification_report(labels, scores, *, threshold=0.5, class_names=None):
    """Measures scores against the true classes.

    Args:
        labels: integers `(n,)`, the true classes.
        scores: floats. `(n,)`: the positive class, 1, is predicted if the
            score is at least `threshold`. `(n, classes)`: the class of the
            largest score is, the first of equal ones.
        threshold: float, for scores `(n,)`.
        class_names: list of str, one a class; None for `"0"`, `"1"`, ….

    Returns:
        `ClassificationReport`.

    >>> report = classification_report([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9])
    >>> print(report)
                precision  recall      f1  support
    0              1.0000  0.5000  0.6667        2
    1              0.6667  1.0000  0.8000        2
    macro mean     0.8333  0.7500  0.7333        4
    <BLANKLINE>
    accuracy 0.7500 (95 % interval 0.3006 to 0.9544)
    AUC 1.0000, average precision 1.0000
    1 if score >= 0.5
    <BLANKLINE>
    true \\ predicted  0  1
    0                 1  1
    1                 0  2

    Raises:
        ValueError: for no examples, unequal lengths, scores that are not
            finite, labels that are no classes, and for a `threshold` beside
            scores `(n, classes)`, where it would have no effect.
    """
    scores = check_scores(scores, np.shape(labels)[0] if np.ndim(labels) else 0)
    threshold, predictions = _predict(scores, threshold)
    num_classes = 2 if scores.ndim == 1 else scores.shape[1]
    labels = check_labels(labels, "labels", num_classes)
    names = _check_class_names(class_names, num_classes)
    confusion = confusion_matrix(labels, predictions, num_classes=num_classes)
    right, support = np.diag(confusion), confusion.sum(axis=1)
    predicted = confusion.sum(axis=0)
    f1 = _divide(2 * right, predicted + support)
    auc = precision_area = None
    if num_classes == 2 and support.all():
        positive = scores if scores.ndim == 1 else scores[:, 1]
        auc = roc_auc(labels, positive)
        precision_area = average_precision(labels, positive)
    return ClassificationReport(
        accuracy=float(right.sum() / len(labels)),
        accuracy_interval=wilson_interval(int(right.sum()), len(labels)),
        precision=_divide(right, predicted),
        recall=_divide(right, support),
        f1=f1,
        support=support,
        macro_f1=float(f1.mean()),
        auc=auc,
        average_precision=precision_area,
        confusion=confusion,
        threshold=threshold,
        class_names=names,
    )


def wilson_interval(successes, trials):
    """The 95 % Wilson score interval of a share, `(low, high)` in [0, 1].

    Source: Wilson 1927, Probable inference, the law of succession, and
    statistical inference. Unlike the normal approximation it stays within
    [0, 1] and is not empty where all or none succeed.

    >>> [round(end, 4) for end in wilson_interval(9, 10)]
    [0.5958, 0.9821]
    """
    share, square = successes / trials, NORMAL_QUANTILE**2
    centre = share + square / (2 * trials)
    spread = NORMAL_QUANTILE * math.sqrt(
        share * (1 - share) / trials + square / (4 * trials**2)
    )
    scale = 1 + square / trials
    # Rounding alone leads outside [0, 1], at a share of 0 or 1.
    return max(0.0, (centre - spread) / scale), min(
        1.0, (centre + spread) / scale
    )


def _predict(scores, threshold):
    """The threshold that was applied and the predicted classes `(n,)`."""
    if scores.ndim == 2:
        if threshold != 0.5:
            raise ValueError(
                "`threshold` is for one score an example; with one a class "
                "the largest decides. Received: "
                f"threshold={threshold}, scores.shape={scores.shape}. For two "
                "classes pass scores[:, 1], or leave `threshold` out."
            )
        return None, np.argmax(scores, axis=1)
    threshold = float(threshold)
    if not math.isfinite(threshold):
        raise ValueError(
            "`threshold` must be a finite number. "
            f"Received: threshold={threshold}."
        )
    return threshold, (scores >= threshold).astype("int64")


def _check_class_names(class_names, num_classes):
    if class_names is None:
        return tuple(map(str, range(num_classes)))
    names = tuple(class_names)
    if len(names) != num_classes:
        raise ValueError(
            "`class_names` must hold one name a class. Received: "
            f"{len(names)} names, {names!r}, for {num_classes} classes."
        )
    return names


def _divide(counts, totals):
    """Counts by totals, 0 where the total is 0."""
    return counts / np.maximum(totals, 1)
