"""Calibration against its formulas, example by example."""

import numpy as np
import pytest

from semmatch.evaluation import brier_score
from semmatch.evaluation import expected_calibration_error
from semmatch.evaluation import fit_temperature


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def drawn(num_classes, temperature, size=4000, seed=0):
    """Labels that follow the softmax of logits / temperature."""
    random = np.random.default_rng(seed)
    logits = 3 * random.normal(size=(size, num_classes))
    shares = softmax(logits / temperature)
    draws = random.random(size)[:, None]
    return (shares.cumsum(axis=1) < draws).sum(axis=1), logits


def test_the_error_is_that_of_guo_bin_by_bin():
    random = np.random.default_rng(0)
    scores = random.random(500)
    labels = random.integers(0, 2, 500)
    confidence = np.maximum(scores, 1 - scores)
    right = (scores > 0.5) == labels
    expected = 0
    for low in np.arange(10) / 10:
        rows = (confidence >= low) & (confidence < low + 0.1)
        if rows.any():
            gap = abs(confidence[rows].mean() - right[rows].mean())
            expected += rows.mean() * gap
    found = expected_calibration_error(labels, scores, num_bins=10)
    assert found == pytest.approx(expected)
    both = np.stack([1 - scores, scores], axis=1)
    assert expected_calibration_error(
        labels, both, num_bins=10
    ) == pytest.approx(expected)


def test_the_number_of_bins_counts():
    # Too sure and too unsure cancel out in one bin.
    labels, scores = [1, 1, 0, 0], [0.6, 0.6, 0.9, 0.6]
    one = expected_calibration_error(labels, scores, num_bins=1)
    assert one == pytest.approx(0.675 - 0.5)
    assert expected_calibration_error(labels, scores, num_bins=10) > one


def test_sure_and_right_is_no_error():
    assert expected_calibration_error([1, 0], [1.0, 0.0]) == 0
    assert expected_calibration_error([1, 0], [0.0, 1.0]) == 1
    assert brier_score([1, 0], [1.0, 0.0]) == 0


def test_a_score_of_one_half_predicts_the_positive_class():
    # One bin: a confidence of 0.55, and both are right.
    error = expected_calibration_error([1, 1], [0.5, 0.6], num_bins=1)
    assert error == pytest.approx(1 - 0.55)


def test_the_upper_end_belongs_to_a_bin():
    # Both are in (0.5, 0.75], where one of the two is right.
    error = expected_calibration_error([1, 0], [0.6, 0.75], num_bins=4)
    assert error == pytest.approx((0.6 + 0.75) / 2 - 0.5)


def test_brier_of_one_column_and_of_classes():
    assert brier_score([1, 0], [0.7, 0.4]) == pytest.approx(
        (0.3**2 + 0.4**2) / 2
    )
    assert brier_score([2], [[0.2, 0.3, 0.5]]) == pytest.approx(
        0.2**2 + 0.3**2 + 0.5**2
    )


@pytest.mark.parametrize("num_classes", [2, 3, 5])
@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_of_the_labels_is_found(num_classes, temperature):
    labels, logits = drawn(num_classes, temperature)
    found = fit_temperature(labels, logits)
    assert found == pytest.approx(temperature, rel=0.1)
    # And it is the best there is.
    loss = {
        t: -np.log(softmax(logits / t)[np.arange(len(labels)), labels]).mean()
        for t in (found * 0.98, found, found * 1.02)
    }
    assert min(loss, key=loss.get) == found


def test_one_logit_is_the_positive_class_of_two():
    labels, logits = drawn(2, 2.0)
    difference = logits[:, 1:] - logits[:, :1]
    assert fit_temperature(labels, difference) == pytest.approx(
        fit_temperature(labels, logits)
    )


def test_calibration_makes_the_error_small():
    labels, logits = drawn(2, 4.0)
    difference = logits[:, 1] - logits[:, 0]
    temperature = fit_temperature(labels, difference)
    before = expected_calibration_error(labels, sigmoid(difference))
    after = expected_calibration_error(
        labels, sigmoid(difference / temperature)
    )
    assert before > 0.1
    assert after < 0.03
    assert brier_score(labels, sigmoid(difference / temperature)) < brier_score(
        labels, sigmoid(difference)
    )


def test_it_stays_within_bounds():
    labels = np.arange(100) % 2
    apart = np.where(labels == 1, 1.0, -1.0)
    assert fit_temperature(labels, apart) == pytest.approx(0.05)
    assert fit_temperature(labels, -apart) == pytest.approx(20)


def test_few_pairs_are_warned_of():
    with pytest.warns(UserWarning, match="A temperature of 4 pairs is mostly"):
        fit_temperature([0, 1, 1, 0], [-1.0, 1.0, -1.0, 1.0])


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_has_no_temperature(label):
    message = f"two classes or more. Received: 60 labels, all {label}"
    with pytest.raises(ValueError, match=message):
        fit_temperature([label] * 60, np.linspace(-1, 1, 60))


def test_lists_are_as_arrays():
    labels, logits = drawn(3, 2.0, size=100)
    shares = softmax(logits)
    assert fit_temperature(labels.tolist(), logits.tolist()) == fit_temperature(
        labels, logits
    )
    for function in (expected_calibration_error, brier_score):
        assert function(labels.tolist(), shares.tolist()) == function(
            labels, shares
        )


@pytest.mark.parametrize(
    "function", [expected_calibration_error, brier_score, fit_temperature]
)
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([], [], r"at least one. Received: labels.shape=\(0,\)"),
        ([0, 1], [0.5], "Received: 2 labels and 1 scores"),
        ([0, 2], [0.5, 0.5], r"in \[0, 2\). Received: labels\[1\]=2"),
        ([0, 3], [[0.2, 0.3, 0.5]] * 2, r"in \[0, 3\). Received: labels\[1\]"),
        ([0.5, 1], [0.5, 0.5], "Received: labels.dtype=float64"),
        ([0, 1], [0.5, np.nan], r"finite. Received: scores\[1\]=nan"),
    ],
)
def test_what_is_no_classification_is_refused(
    function, labels, scores, message
):
    with pytest.raises(ValueError, match=message):
        function(labels, scores)


def test_scores_that_are_no_probabilities_are_refused():
    for function in (expected_calibration_error, brier_score):
        with pytest.raises(ValueError, match=r"probabilities in \[0, 1\]"):
            function([0, 1], [-3.0, 2.0])


def test_logits_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="must be finite"):
        fit_temperature([0, 1], [np.inf, 2.0])
