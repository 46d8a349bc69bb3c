"""Smoothing changes how components are rounded, and no product."""

import numpy as np
import pytest

from semmatch.export.calibration import Range
from semmatch.export.smoothing import smoothing_factors


def one_range(*largest):
    largest = np.float32(largest)
    return Range(-largest / 2, largest)


def test_factors_are_of_the_range_and_of_the_rows_of_weights():
    ranges = {"x": Range(np.float32([-8, 0, -1]), np.float32([2, 4, 3]))}
    kernels = {"a": np.float32([[1, -2], [3, 0], [0.5, 0.5]])}
    factors = smoothing_factors([("x", "a")], ranges, kernels)
    expected = np.array([8, 4, 3]) ** 0.75 / np.array([2, 3, 0.5]) ** 0.25
    np.testing.assert_allclose(factors["x"], expected, rtol=1e-6)
    np.testing.assert_array_equal(factors["a"], factors["x"])
    assert factors["x"].dtype == np.float32


def test_all_that_meet_in_products_have_the_same_factors():
    # As a block that is applied twice, and has two kernels on one input.
    products = [("x", "a"), ("x", "b"), ("z", "c"), ("y", "b"), ("y", "a")]
    ranges = {
        "x": one_range(1, 16),
        "y": one_range(81, 1),
        "z": one_range(1, 1),
    }
    kernels = {
        "a": np.float32([[1], [1]]),
        "b": np.float32([[-16], [0.5]]),
        "c": np.float32([[1], [1]]),
    }
    factors = smoothing_factors(products, ranges, kernels)
    assert set(factors) == {"x", "y", "z", "a", "b", "c"}
    for name in ("x", "y", "a", "b"):
        np.testing.assert_allclose(factors[name], [27 / 2, 8], rtol=1e-6)
    for name in ("z", "c"):
        np.testing.assert_allclose(factors[name], [1, 1], rtol=1e-6)


def test_groups_that_meet_late_are_joined():
    products = [("x", "a"), ("y", "b"), ("x", "b")]
    ranges = {"x": one_range(1), "y": one_range(16)}
    kernels = {"a": np.float32([[1]]), "b": np.float32([[1]])}
    factors = smoothing_factors(products, ranges, kernels)
    assert {float(factor[0]) for factor in factors.values()} == {8.0}


@pytest.mark.parametrize("largest", [[0, 0], [0, 4]])
@pytest.mark.parametrize("kernel", [[[0], [0]], [[1], [0]]])
def test_zeros_have_a_factor_too(largest, kernel):
    factors = smoothing_factors(
        [("x", "a")], {"x": one_range(*largest)}, {"a": np.float32(kernel)}
    )
    assert np.isfinite(factors["x"]).all()
    assert (factors["x"] > 0).all()
