"""Platt's scaling: where its slope is 0, and what it makes of similarities."""

import numpy as np
import pytest

from semmatch.evaluation import fit_platt


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.clip(logits, -500, 500)))


def targets(labels):
    """The shares that Platt fits in place of 0 and 1."""
    positives, negatives = labels.sum(), (1 - labels).sum()
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    return np.where(labels == 1, high, low)


def drawn(slope, bias, size=4000, seed=0):
    """Labels that follow the sigmoid of similarities."""
    random = np.random.default_rng(seed)
    similarities = random.uniform(-1, 1, size)
    shares = sigmoid(slope * similarities + bias)
    return (random.random(size) < shares).astype(int), similarities


def assert_best(labels, similarities, slope, bias):
    """The gradient of the likelihood is 0, in units of the spread."""
    apart = sigmoid(slope * similarities + bias) - targets(labels)
    scaled = (similarities - similarities.mean()) / similarities.std()
    assert abs(apart.mean()) < 1e-6
    assert abs((apart * scaled).mean()) < 1e-6


@pytest.mark.parametrize("slope", [0.5, 10.0])
@pytest.mark.parametrize("bias", [-3.0, 0.0, 1.0])
def test_the_numbers_of_the_labels_are_found(slope, bias):
    labels, similarities = drawn(slope, bias)
    found = fit_platt(labels, similarities)
    np.testing.assert_allclose(found, (slope, bias), rtol=0.15, atol=0.15)
    assert_best(labels, similarities, *found)
    assert all(type(number) is float for number in found)


@pytest.mark.parametrize("kind", ["normal", "cauchy", "powers"])
@pytest.mark.parametrize("share", [0.005, 0.5, 0.995])
def test_few_of_a_class_and_values_far_out_do_not_lead_astray(kind, share):
    random = np.random.default_rng(0)
    for gap in (0.1, 1.0, 100.0):
        labels = (random.random(300) < share).astype(int)
        labels[:2] = 0, 1
        similarities = {
            "normal": random.normal(size=300),
            "cauchy": random.standard_cauchy(300),
            "powers": np.exp(5 * random.normal(size=300)),
        }[kind]
        means = [similarities[labels == label].mean() for label in (0, 1)]
        similarities += labels * (gap + max(0, means[0] - means[1]))
        slope, bias = fit_platt(labels, similarities)
        assert slope > 0
        assert_best(labels, similarities, slope, bias)


def test_a_threshold_that_gets_every_pair_right_has_a_finite_slope():
    labels = np.repeat([0, 1], [60, 40])
    similarities = np.repeat([-0.2, 0.6], [60, 40])
    slope, bias = fit_platt(labels, similarities)
    # Two values, two numbers: each gets its share.
    shares = sigmoid(slope * np.array([-0.2, 0.6]) + bias)
    np.testing.assert_allclose(shares, [1 / 62, 41 / 42], rtol=1e-6)


def test_lists_float32_and_other_units_are_alike():
    labels, similarities = drawn(5.0, -1.0, size=200)
    slope, bias = fit_platt(labels, similarities)
    assert fit_platt(labels.tolist(), similarities.tolist()) == (slope, bias)
    single = fit_platt(labels, similarities.astype("float32")[:, None])
    np.testing.assert_allclose(single, (slope, bias), rtol=1e-4)
    moved = fit_platt(labels, 1000 * similarities - 7)
    expected = (slope / 1000, bias + 7 * slope / 1000)
    np.testing.assert_allclose(moved, expected, rtol=1e-6)


def test_few_pairs_are_warned_of():
    with pytest.warns(UserWarning, match="A probability of 4 pairs is mostly"):
        fit_platt([0, 1, 1, 0], [0.1, 0.9, 0.4, 0.5])


@pytest.mark.parametrize(
    ("labels", "similarities", "message"),
    [
        ([1] * 60, [0.5] * 60, "two classes. Received: 60 labels, all 1"),
        ([0] * 60, [0.5] * 60, "two classes. Received: 60 labels, all 0"),
        ([0, 1] * 30, [0.5] * 60, "similar on average.*0.5000 and 0.5000"),
        ([0, 1] * 30, [0.75, 0.25] * 30, "means of 0.2500 and 0.7500. 1 is"),
        ([0, 1], [[0.1, 0.2]] * 2, r"one similarity for each.*\(2, 2\)"),
        ([], [], "at least one"),
        ([0, 1], [0.5], "2 labels and 1 scores"),
        ([0, 2], [0.1, 0.5], r"in \[0, 2\). Received: labels\[1\]=2"),
        ([0.5, 1.0], [0.1, 0.5], "must be integers"),
        ([0, 1], [0.1, np.nan], r"scores\[1\]=nan"),
    ],
)
def test_what_has_no_probability_is_refused(labels, similarities, message):
    with pytest.raises(ValueError, match=message):
        fit_platt(labels, similarities)
