"""R-Drop against formula 4 of the paper."""

import numpy as np
import pytest

from semmatch.losses import RDrop
from tests.checks import to_numpy
from tests.losses.test_cross_entropy import cross_entropy
from tests.losses.test_cross_entropy import shares_of

LABELS = np.array([0, 1, 1])


def divergence(one, two):
    return (one * np.log(one / two)).sum(axis=-1)


@pytest.mark.parametrize("classes", [1, 2, 3])
@pytest.mark.parametrize("weight", [0.0, 1.0, 5.0])
def test_it_is_half_of_the_papers_loss(classes, weight):
    logits = np.random.default_rng(0).normal(scale=2, size=(3, 2, classes))
    one, two = shares_of(logits[:, 0]), shares_of(logits[:, 1])
    # L = CE1 + CE2 + alpha / 2 * (KL(1 || 2) + KL(2 || 1)).
    both = divergence(one, two) + divergence(two, one)
    expected = (
        cross_entropy(LABELS, logits[:, 0])
        + cross_entropy(LABELS, logits[:, 1])
        + weight / 2 * both
    ) / 2
    loss = RDrop(weight, reduction="none")(LABELS, logits)
    np.testing.assert_allclose(to_numpy(loss), expected, rtol=1e-4)


def test_samples_of_a_pass_are_compared_with_those_of_the_other():
    logits = np.random.default_rng(0).normal(size=(3, 4, 2))
    pairs = [logits[:, [0, 2]], logits[:, [1, 3]]]
    loss = RDrop(reduction="none")
    expected = np.mean([to_numpy(loss(LABELS, pair)) for pair in pairs], axis=0)
    np.testing.assert_allclose(
        to_numpy(loss(LABELS, logits)), expected, rtol=1e-5
    )


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_other_weights_are_refused(weight):
    with pytest.raises(ValueError, match="`weight` must be at least 0"):
        RDrop(weight)
