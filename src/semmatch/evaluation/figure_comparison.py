"""Whether figures of two systems differ, on the same examples."""

import dataclasses
from typing import NamedTuple

import numpy as np

from semmatch.evaluation.bootstrap import bootstrap_intervals
from semmatch.evaluation.text_table import text_table

# Figures that are equal but for rounding.
_EQUAL = 1e-12


class Difference(NamedTuple):
    """One figure of two systems.

    Attributes:
        num_examples: int, the pairs or queries that have the figure.
        a: float, of the first system.
        b: float, of the second.
        difference: float, `a - b`.
        interval: `(low, high)`, the 95 % bootstrap interval of the
            difference; None if no resample has the figure.
        p_value: float, how likely two systems that are as good as each other
            differ this much or more.
    """

    num_examples: int
    a: float
    b: float
    difference: float
    interval: tuple[float, float] | None
    p_value: float


@dataclasses.dataclass(frozen=True)
class FigureComparison:
    """What `compare_correlations` or `compare_rankings` measured.

    `str` of it is a text table. Each p-value is that of its own figure: who
    looks at many finds one below 0.05 by chance. Choose the figure before.

    Attributes:
        figures: a dict from the name of each figure, such as `"spearman"` or
            `"ndcg@10"`, to its `Difference`.
    """

    figures: dict[str, Difference]

    def __str__(self):
        rows = [["", "a", "b", "a - b", "95 % interval", "p", "examples"]]
        for name, (num, a, b, difference, ends, p) in self.figures.items():
            interval = f"{ends[0]:+.4f} to {ends[1]:+.4f}" if ends else ""
            figures = f"{a:.4f}", f"{b:.4f}", f"{difference:+.4f}"
            rows.append([name, *figures, interval, f"{p:.2g}", f"{num:,}"])
        return text_table(rows)

    def to_dict(self):
        """The comparison as JSON types."""
        values = {}
        for name, figure in self.figures.items():
            ends = figure.interval
            interval = None if ends is None else list(ends)
            values[name] = figure._asdict() | {"interval": interval}
        return values


def paired_differences(measure, a, b, num_resamples, seed):
    """Compares figures of two systems, with intervals and p-values.

    Intervals are of the bootstrap over examples. A p-value is the share of
    random exchanges, where each example's values go to the other system with
    a chance of one half, that make the figures differ as much as they do; the
    systems as they are count as one of them.

    Source: Smucker, Allan and Carterette 2007, "A comparison of statistical
    significance tests for information retrieval evaluation"; Deutsch, Dror
    and Roth 2021, "A statistical analysis of summarization evaluation metrics
    using resampling methods", for correlations.

    Args:
        measure: function from the values of one system and row numbers
            `(n,)` to a dict of floats; NaN for a figure that these rows do
            not have.
        a: array of n rows, what the first system gives for each example, on
            a scale that both share.
        b: array of the same shape, of the second.
        num_resamples: int, of the bootstrap and of the exchanges.
        seed: int, fixes both.

    Returns:
        A dict from each name to its `Difference`.

    >>> def mean(values, rows):
    ...     return {"mean": float(values[rows].mean())}
    >>> a, b = np.full(100, 0.75), np.full(100, 0.5)
    >>> found = paired_differences(mean, a, b, 99, seed=0)["mean"]
    >>> found.difference, found.interval, found.p_value
    (0.25, (0.25, 0.25), 0.01)
    """
    every = np.arange(len(a))
    of_a, of_b = measure(a, every), measure(b, every)
    differences = {name: of_a[name] - of_b[name] for name in of_a}
    intervals = bootstrap_intervals(
        lambda rows: _differences(measure, a, b, rows),
        len(a),
        num_resamples,
        seed,
    )
    random = np.random.default_rng(seed)
    as_far = dict.fromkeys(differences, 1)
    for _ in range(num_resamples):
        kept = random.random(len(a)) < 0.5
        kept = kept.reshape(-1, *[1] * (a.ndim - 1))
        one, other = np.where(kept, a, b), np.where(kept, b, a)
        for name, found in _differences(measure, one, other, every).items():
            # NaN, no figure, tells nothing against chance.
            nearer = abs(found) < abs(differences[name]) - _EQUAL
            as_far[name] += not nearer
    return {
        name: Difference(
            len(a),
            of_a[name],
            of_b[name],
            difference,
            intervals[name],
            as_far[name] / (1 + num_resamples),
        )
        for name, difference in differences.items()
    }


def _differences(measure, a, b, rows):
    of_a, of_b = measure(a, rows), measure(b, rows)
    return {name: of_a[name] - of_b[name] for name in of_a}
