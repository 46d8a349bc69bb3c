"""Whether one model is better than another, on the same pairs."""

import dataclasses
import math

import numpy as np

from semmatch.evaluation.inputs import check_labels
from semmatch.evaluation.model_scores import decide
from semmatch.evaluation.model_scores import is_graded
from semmatch.evaluation.model_scores import score_labelled
from semmatch.evaluation.report import NORMAL_QUANTILE
from semmatch.evaluation.text_table import text_table


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What `compare` measured; `str` of it is a text table.

    Attributes:
        accuracy_a: float, of the first model.
        accuracy_b: float, of the second.
        both_right: int, pairs that both models got right.
        only_a_right: int, and the first alone.
        only_b_right: int, and the second alone.
        both_wrong: int, and neither.
        difference: float, `accuracy_a - accuracy_b`.
        difference_interval: `(low, high)`, its 95 % interval, see
            `paired_interval`.
        p_value: float, how likely models of equal accuracy differ this much
            or more, see `mcnemar`.
    """

    accuracy_a: float
    accuracy_b: float
    both_right: int
    only_a_right: int
    only_b_right: int
    both_wrong: int
    difference: float
    difference_interval: tuple[float, float]
    p_value: float

    def __str__(self):
        low, high = self.difference_interval
        table = text_table(
            [
                ["", "b right", "b wrong", "accuracy"],
                [
                    "a right",
                    f"{self.both_right:,}",
                    f"{self.only_a_right:,}",
                    f"a {self.accuracy_a:.4f}",
                ],
                [
                    "a wrong",
                    f"{self.only_b_right:,}",
                    f"{self.both_wrong:,}",
                    f"b {self.accuracy_b:.4f}",
                ],
            ]
        )
        return (
            f"{table}\n\na - b {self.difference:+.4f} (95 % interval "
            f"{low:+.4f} to {high:+.4f}), p = {self.p_value:.2g} (McNemar)"
        )

    def to_dict(self):
        """The comparison as JSON types."""
        interval = list(self.difference_interval)
        return {**dataclasses.asdict(self), "difference_interval": interval}


def compare(model_a, model_b, pairs):
    """Compares the accuracy of two models on the same pairs.

    Each decides at its own threshold, such as `fit_threshold` gave it, or by
    its largest score where it has several classes. Graded labels are for
    `compare_correlations`.

    Args:
        model_a: `CrossEncoder`, `BiEncoder`, `Matcher`, or another with
            `score(pairs)` and `scoring.threshold`.
        model_b: another one.
        pairs: `Pairs` whose labels are classes, other than those that a
            model or its threshold was chosen on.

    Returns:
        `Comparison`.

    >>> from semmatch._records import Scoring
    >>> from semmatch.data import Pairs
    >>> class Model:  # in place of a `CrossEncoder`
    ...     scoring = Scoring("sigmoid", threshold=0.5)
    ...
    ...     def __init__(self, *scores):
    ...         self.scores = scores
    ...
    ...     def score(self, pairs):
    ...         return np.array(self.scores, "float32")
    >>> pairs = Pairs(["a", "b", "c", "d"], ["e", "f", "g", "h"], [1, 1, 0, 0])
    >>> model_a, model_b = Model(0.9, 0.8, 0.1, 0.7), Model(0.1, 0.2, 0.9, 0.1)
    >>> print(compare(model_a, model_b, pairs))
             b right  b wrong  accuracy
    a right        0        3  a 0.7500
    a wrong        1        0  b 0.2500
    <BLANKLINE>
    a - b +0.5000 (95 % interval -0.3467 to +1.0000), p = 0.62 (McNemar)

    Raises:
        ValueError: without pairs or labels, and for graded labels.
    """
    right_a = _right(model_a, pairs)
    right_b = _right(model_b, pairs)
    only_a = int(np.sum(right_a & ~right_b))
    only_b = int(np.sum(~right_a & right_b))
    both = int(np.sum(right_a & right_b))
    total = len(right_a)
    return Comparison(
        accuracy_a=(both + only_a) / total,
        accuracy_b=(both + only_b) / total,
        both_right=both,
        only_a_right=only_a,
        only_b_right=only_b,
        both_wrong=total - both - only_a - only_b,
        difference=(only_a - only_b) / total,
        difference_interval=paired_interval(only_a, only_b, total),
        p_value=mcnemar(only_a, only_b),
    )


def mcnemar(only_a, only_b):
    """The exact two-sided p-value of two shares of the same examples.

    Twice the smaller tail of a fair coin's tosses, one for each example that
    one of the two alone got right, and at most 1.

    Source: McNemar 1947, "Note on the sampling error of the difference
    between correlated proportions or percentages".

    Args:
        only_a: int, examples that the first alone got right.
        only_b: int, and the second alone.

    Returns:
        float in [0, 1]; 1 if there are none.

    >>> round(mcnemar(1, 9), 6)  # 2 * (1 + 10) / 1024
    0.021484
    """
    tosses, fewer = only_a + only_b, min(only_a, only_b)
    drawn = np.arange(1, fewer + 1)
    # Of each number of heads, as a logarithm: 2 ** tosses is no float.
    steps = np.log((tosses - drawn + 1) / drawn)
    logs = np.append(0.0, np.cumsum(steps)) - tosses * math.log(2)
    return min(1.0, 2 * float(np.exp(logs).sum()))


def paired_interval(only_a, only_b, total):
    """The 95 % interval of the difference of two paired shares.

    With half an example more in each cell of the table of right and wrong, so
    that N = `total` + 2 and d = (`only_a` - `only_b`) / N, it is

        d ± 1.96 sqrt((only_a + only_b + 1) / N - d ** 2) / sqrt(N)

    within [-1, 1].

    Source: Agresti and Min 2005, "Simple improved confidence intervals for
    comparing matched proportions".

    Args:
        only_a: int, examples that the first alone got right.
        only_b: int, and the second alone.
        total: int, all examples.

    Returns:
        `(low, high)`.

    >>> [round(end, 4) for end in paired_interval(30, 10, 98)]
    [0.0808, 0.3192]
    """
    total += 2
    difference = (only_a - only_b) / total
    variance = (only_a + only_b + 1) / total - difference**2
    spread = NORMAL_QUANTILE * math.sqrt(variance / total)
    return max(-1.0, difference - spread), min(1.0, difference + spread)


def _right(model, pairs):
    labels, scores = score_labelled(model, pairs, "compare")
    if scores.ndim == 1 and is_graded(labels):
        raise ValueError(
            "`compare` expects labels 0 and 1 of a model of one score a pair. "
            f"Received: labels from {labels.min():g} to {labels.max():g}. "
            "Take `compare_correlations` for graded labels."
        )
    num_classes = 2 if scores.ndim == 1 else scores.shape[1]
    labels = check_labels(labels, "labels", num_classes)
    return decide(scores, model.scoring.threshold) == labels
