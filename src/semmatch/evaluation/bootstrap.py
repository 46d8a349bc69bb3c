"""How far figures would move on other examples of the same kind."""

import numpy as np


def bootstrap_intervals(figures, num_rows, num_resamples, seed):
    """95 % intervals of figures, from resamples of the rows.

    Rows are drawn with replacement, as many as there are, and the figures
    computed anew; an interval runs from the 2.5 % to the 97.5 % quantile.

    Source: Efron and Tibshirani 1993, An introduction to the bootstrap,
    chapter 13 (the percentile interval).

    Args:
        figures: function from row numbers `(num_rows,)` to a dict of
            floats; NaN for a figure that these rows do not have.
        num_rows: int.
        num_resamples: int.
        seed: int, fixes which rows are drawn.

    Returns:
        A dict from each name to `(low, high)`, over the resamples that have
        the figure; None where none has.

    >>> rows = np.array([0.0, 1.0] * 50)
    >>> def mean(drawn):
    ...     return {"mean": rows[drawn].mean()}
    >>> low, high = bootstrap_intervals(mean, 100, 1000, seed=0)["mean"]
    >>> 0.35 < low < 0.45 and 0.55 < high < 0.65
    True
    """
    random = np.random.default_rng(seed)
    resamples = [
        figures(random.integers(num_rows, size=num_rows))
        for _ in range(num_resamples)
    ]
    return {
        name: _interval(np.array([values[name] for values in resamples]))
        for name in resamples[0]
    }


def _interval(values):
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
