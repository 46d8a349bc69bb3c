"""What figures become where matches are rarer than in the test pairs."""

from typing import NamedTuple


class PriorFigures(NamedTuple):
    """Figures of class 1 at a share of positive pairs.

    Attributes:
        prior: float, the share of positive pairs.
        accuracy: float.
        precision: float; 0 if no pair is predicted to match.
        recall: float, that of the test pairs.
        f1: float.
    """

    prior: float
    accuracy: float
    precision: float
    recall: float
    f1: float


def check_prior(prior):
    """`prior`, if it is a share of positive pairs, in (0, 1).

    >>> check_prior(0.05)
    0.05

    Raises:
        ValueError: for another one.
    """
    if not 0 < prior < 1:
        raise ValueError(
            "`prior` must be the share of positive pairs in use, above 0 and "
            f"below 1. Received: prior={prior!r}."
        )
    return float(prior)


def figures_at_prior(confusion, prior):
    """The figures that a share of positive pairs would give.

    By Bayes' rule from the recall of each class, which does not depend on how
    frequent the classes are, as long as the pairs within a class are alike.

    Args:
        confusion: int `(2, 2)`: rows true, columns predicted.
        prior: float, see `check_prior`.

    Returns:
        `PriorFigures`.

    >>> import numpy as np
    >>> figures = figures_at_prior(np.array([[90, 10], [20, 80]]), 0.1)
    >>> round(figures.precision, 4)  # 0.08 right of 0.08 + 0.09 matches
    0.4706

    Raises:
        ValueError: if one class has no examples.
    """
    support = confusion.sum(axis=1)
    if not support.all():
        raise ValueError(
            "`prior` needs pairs of both classes, 0 and 1, for the recall of "
            f"each. Received: {support[0]} and {support[1]} of them."
        )
    true_negative, recall = (confusion.diagonal() / support).tolist()
    right = prior * recall
    wrong = (1 - prior) * (1 - true_negative)
    matches = right + wrong
    return PriorFigures(
        prior=prior,
        accuracy=right + (1 - prior) * true_negative,
        precision=right / matches if matches else 0.0,
        recall=recall,
        f1=2 * right / (matches + prior),
    )
