"""The soft loss against its formula in numpy."""

import keras
import numpy as np
import pytest

from semmatch.losses import SoftTargetKL
from tests.checks import json_round_trip
from tests.checks import to_numpy
from tests.losses.gradients import gradient
from tests.losses.test_cross_entropy import shares_of

# JAX has no more than float32, of which T**2 magnifies the rounding.
TENSORFLOW = keras.config.backend() == "tensorflow"
WIDEST, ROUNDING = ("float64", 1e-6) if TENSORFLOW else ("float32", 2e-5)
RANDOM = np.random.default_rng(0)
TEACHER = RANDOM.normal(scale=3, size=(6, 3))
STUDENT = RANDOM.normal(scale=3, size=(6, 3))


def soft_kl(teacher, student, temperature):
    """T^2 KL in float64; two classes for one logit."""
    p = shares_of(np.asarray(teacher) / temperature)
    q = shares_of(np.asarray(student) / temperature)
    return temperature**2 * (p * np.log(p / q)).sum(axis=-1)


@pytest.mark.parametrize("classes", [1, 2, 3])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 10.0])
def test_values_are_those_of_the_formula(classes, temperature):
    teacher, student = TEACHER[:, :classes], STUDENT[:, :classes]
    loss = SoftTargetKL(temperature, reduction="none", dtype=WIDEST)
    np.testing.assert_allclose(
        to_numpy(loss(teacher, student)),
        soft_kl(teacher, student, temperature),
        atol=ROUNDING,
    )


def test_weights_of_examples_count():
    weight = np.array([0.0, 1.0, 2.0, 0.5, 0.0, 1.0])
    loss = SoftTargetKL(2.0, dtype=WIDEST)
    expected = np.mean(weight * soft_kl(TEACHER, STUDENT, 2.0))
    found = to_numpy(loss(TEACHER, STUDENT, sample_weight=weight))
    np.testing.assert_allclose(found, expected, atol=ROUNDING)


def test_one_logit_is_two_of_which_the_first_is_0():
    one = TEACHER[:, :1], STUDENT[:, :1]
    two = [np.concatenate([0 * part, part], axis=1) for part in one]
    loss = SoftTargetKL(3.0)
    expected = to_numpy(loss(*two))
    np.testing.assert_allclose(to_numpy(loss(*one)), expected, rtol=1e-5)
    mixed = to_numpy(loss(two[0], one[1]))
    np.testing.assert_allclose(mixed, expected, rtol=1e-5)


def test_several_samples_of_a_pair_count_alike():
    samples = RANDOM.normal(size=(6, 4, 3))
    expected = np.mean(
        [soft_kl(TEACHER, samples[:, i], 2.0) for i in range(4)], axis=0
    )
    loss = SoftTargetKL(2.0, reduction="none", dtype=WIDEST)
    found = to_numpy(loss(TEACHER, samples))
    np.testing.assert_allclose(found, expected, atol=ROUNDING)


@pytest.mark.parametrize("classes", [1, 3])
def test_the_gradient_hardly_depends_on_a_high_temperature(classes):
    teacher, student = (
        part[:, :classes].astype("float32") for part in (TEACHER, STUDENT)
    )

    def gradient_at(temperature):
        loss = SoftTargetKL(temperature, reduction="sum")
        return gradient(lambda logits: loss(teacher, logits), student)

    at_20, at_40 = gradient_at(20.0), gradient_at(40.0)
    # Without the factor that of 40 would be a quarter of that of 20.
    np.testing.assert_allclose(at_40, at_20, rtol=0.15, atol=0.02)
    # In the limit the difference of logits, without their mean.
    apart = student - teacher
    if classes == 1:
        limit = apart / 4
    else:
        limit = (apart - apart.mean(axis=1, keepdims=True)) / classes
    np.testing.assert_allclose(gradient_at(1000.0), limit, atol=0.02)


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_gradients_are_finite_at_extremes(size):
    teacher = np.array([[size], [-size]], "float32")
    loss = SoftTargetKL(1.0)
    found = gradient(lambda logits: loss(teacher, logits), -teacher)
    assert np.isfinite(found).all()


def test_no_distance_of_equal_logits():
    found = to_numpy(SoftTargetKL(4.0)(TEACHER, TEACHER))
    np.testing.assert_allclose(found, 0, atol=ROUNDING)


def test_other_classes_are_refused():
    with pytest.raises(ValueError, match="compares the same classes"):
        SoftTargetKL()(TEACHER, STUDENT[:, :2])


@pytest.mark.parametrize("temperature", [0, -1.0, float("inf"), float("nan")])
def test_temperatures_that_divide_nothing_are_refused(temperature):
    with pytest.raises(ValueError, match="finite number above 0"):
        SoftTargetKL(temperature)


def test_the_configuration_brings_it_back():
    loss = json_round_trip(SoftTargetKL(2.5, name="soft"))
    assert (loss.temperature, loss.name) == (2.5, "soft")
    assert isinstance(loss, keras.losses.Loss)
