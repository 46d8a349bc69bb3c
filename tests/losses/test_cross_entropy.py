"""Cross-entropy against its formula in numpy."""

import keras
import numpy as np
import pytest

from semmatch.losses import CrossEntropy
from semmatch.losses import RDrop
from tests.checks import to_numpy

LOGITS = np.random.default_rng(0).normal(scale=3, size=(5, 3))
LABELS = np.array([0, 1, 1, 0, 1])


def shares_of(logits):
    """Float64 shares of the classes; two for one logit."""
    logits = np.asarray(logits, "float64")
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    powers = np.exp(logits)
    return powers / powers.sum(axis=-1, keepdims=True)


def cross_entropy(labels, logits, smoothing=0.0):
    shares = shares_of(logits)
    classes = shares.shape[-1]
    targets = np.eye(classes)[labels] * (1 - smoothing) + smoothing / classes
    return -(targets * np.log(shares)).sum(axis=-1)


@pytest.mark.parametrize("classes", [1, 2, 3])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("loss_class", [CrossEntropy, RDrop])
def test_values_are_those_of_the_formula(classes, smoothing, loss_class):
    loss = loss_class(label_smoothing=smoothing, reduction="none")
    logits = LOGITS[:, :classes]
    np.testing.assert_allclose(
        to_numpy(loss(LABELS, logits)),
        cross_entropy(LABELS, logits, smoothing),
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    ("classes", "keras_loss"),
    [
        (1, keras.losses.BinaryCrossentropy),
        (3, keras.losses.SparseCategoricalCrossentropy),
    ],
)
def test_values_are_those_of_keras(classes, keras_loss):
    labels = LABELS[:, None] if classes == 1 else LABELS
    logits = LOGITS[:, :classes].astype("float32")
    expected = keras_loss(from_logits=True)(labels, logits)
    np.testing.assert_allclose(
        to_numpy(CrossEntropy()(LABELS, logits)), to_numpy(expected), rtol=1e-6
    )


def test_labels_of_one_logit_may_be_graded():
    loss = CrossEntropy(reduction="none")([0.25], [[2.0]])
    share = 1 / (1 + np.exp(-2.0))
    expected = -0.25 * np.log(share) - 0.75 * np.log(1 - share)
    np.testing.assert_allclose(to_numpy(loss), [expected], rtol=1e-6)


def test_labels_may_be_a_column():
    loss = CrossEntropy(reduction="none")
    np.testing.assert_array_equal(
        to_numpy(loss(LABELS[:, None], LOGITS)), to_numpy(loss(LABELS, LOGITS))
    )


def test_samples_of_a_pair_count_alike():
    logits = np.random.default_rng(1).normal(size=(5, 4, 3))
    expected = [cross_entropy(LABELS, logits[:, i]) for i in range(4)]
    loss = CrossEntropy(reduction="none")(LABELS, logits)
    np.testing.assert_allclose(
        to_numpy(loss), np.mean(expected, axis=0), rtol=1e-5
    )


def test_large_logits_stay_finite():
    loss = CrossEntropy(reduction="none")([0, 1], [[1000.0], [1000.0]])
    np.testing.assert_allclose(to_numpy(loss), [1000.0, 0.0])


def test_the_loss_is_weighted_by_example():
    weight = np.array([1.0, 0, 2, 0, 0])
    values = cross_entropy(LABELS, LOGITS)
    loss = CrossEntropy()(LABELS, LOGITS, sample_weight=weight)
    np.testing.assert_allclose(
        to_numpy(loss), (values * weight).sum() / 5, rtol=1e-5
    )


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_other_smoothings_are_refused(smoothing):
    with pytest.raises(ValueError, match="`label_smoothing` must be in"):
        CrossEntropy(label_smoothing=smoothing)


@pytest.mark.parametrize(
    ("classes", "label"), [(1, 1.2), (1, -1), (2, 2), (3, 3), (3, -1)]
)
@pytest.mark.parametrize("loss_class", [CrossEntropy, RDrop])
def test_a_label_of_no_class_is_no_number(classes, label, loss_class):
    loss = loss_class(reduction="none")(
        [label, 1], np.zeros((2, classes), "float32")
    )
    assert np.isnan(to_numpy(loss)).tolist() == [True, False]
