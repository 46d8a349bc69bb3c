"""Dropout against the binomial distribution, on every backend."""

import keras
import numpy as np
import pytest

from semmatch.layers import Dropout
from semmatch.layers.dropout import random_bits
from tests.checks import json_round_trip
from tests.checks import to_numpy

RATES = [2**-10, 0.1, 0.3, 0.5, 0.9]


def drop(layer, inputs):
    return to_numpy(layer(inputs, training=True))


@pytest.mark.parametrize("rate", RATES)
def test_the_share_of_zeros_is_the_rate(rate):
    size = 1_000_001
    kept = drop(Dropout(rate, seed=0), np.ones(size, "float32"))
    sigma = np.sqrt(rate * (1 - rate) / size)
    assert abs(np.mean(kept == 0) - rate) < 5 * sigma


@pytest.mark.parametrize("rate", RATES)
def test_kept_values_are_scaled_so_that_the_mean_stays(rate):
    kept = drop(Dropout(rate, seed=0), np.full(1001, 3, "float32"))
    # Within the rounding of the rate to a multiple of 2**-32.
    expected = 3 / (1 - rate)
    np.testing.assert_allclose(kept[kept != 0], expected, rtol=1e-6)


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_neighbours_are_dropped_independently(lag):
    size = 400_000
    kept = drop(Dropout(0.5, seed=3), np.ones(size, "float32")) != 0
    both = np.mean(kept[lag:] & kept[:-lag])
    # Overlapping products of fair coins have a variance of 5/16 in all.
    assert abs(both - 0.25) < 5 * np.sqrt(5 / 16 / size)


def test_the_mask_is_a_function_of_the_seed_state():
    layer = Dropout(0.5, seed=7)
    ones = np.ones((40, 5), "float32")
    state = to_numpy(layer.seed_generator.state)
    first = drop(layer, ones)
    second = drop(layer, ones)
    layer.seed_generator.state.assign(state)
    np.testing.assert_array_equal(drop(layer, ones), first)
    np.testing.assert_array_equal(drop(layer, ones), second)
    assert (first != second).any()


def test_the_seed_fixes_the_masks():
    ones = np.ones((40, 5), "float32")
    first = drop(Dropout(0.5, seed=7), ones)
    np.testing.assert_array_equal(drop(Dropout(0.5, seed=7), ones), first)
    assert (drop(Dropout(0.5, seed=8), ones) != first).any()
    assert (drop(Dropout(0.5), ones) != drop(Dropout(0.5), ones)).any()


@pytest.mark.parametrize("training", [False, None])
def test_outside_training_nothing_changes(training):
    inputs = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    outputs = to_numpy(Dropout(0.5)(inputs, training=training))
    np.testing.assert_array_equal(outputs, inputs)
    np.testing.assert_array_equal(to_numpy(Dropout(0.5)(inputs)), inputs)


def test_a_rate_of_zero_changes_nothing_in_training():
    inputs = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    np.testing.assert_array_equal(drop(Dropout(0), inputs), inputs)


@pytest.mark.parametrize("shape", [(1,), (3,), (3, 5), (1, 1, 1), (3, 5, 7)])
def test_odd_sizes_keep_their_shape(shape):
    kept = drop(Dropout(0.5, seed=0), np.ones(shape, "float32"))
    assert kept.shape == shape
    assert set(kept.ravel().tolist()) <= {0.0, 2.0}


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_bfloat16", "float16"])
def test_the_compute_type_is_kept(policy):
    layer = Dropout(0.5, seed=0, dtype=policy)
    outputs = layer(np.ones((4, 25), "float32"), training=True)
    dtype = keras.backend.standardize_dtype(outputs.dtype)
    assert dtype == policy.removeprefix("mixed_")
    values = to_numpy(keras.ops.cast(outputs, "float32"))
    assert set(values.ravel().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_other_rates_are_refused(rate):
    message = rf"`rate` must be in \[0, 1\): .* Received: rate={rate}"
    with pytest.raises(ValueError, match=message):
        Dropout(rate)


def test_the_config_holds_rate_and_seed():
    again = json_round_trip(Dropout(0.25, seed=5, name="drop"))
    assert (again.rate, again.seed, again.name) == (0.25, 5, "drop")


SEEDS = [(0, 0), (0, 1), (1, 0), (7, 1000), (2**31, 2**31 - 1)]


def bits(seed, size=100_000):
    words = to_numpy(random_bits((size,), np.array(seed)))
    return np.unpackbits(words.view("uint8")).reshape(size, 32)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_bit_is_a_fair_coin(seed):
    shares = bits(seed).mean(0)
    assert np.abs(shares - 0.5).max() < 5 * 0.5 / np.sqrt(100_000)


@pytest.mark.parametrize("other", [(5, 4), (6, 3), (5, 103)])
def test_the_bits_of_near_seeds_are_unrelated(other):
    equal = (bits((5, 3)) == bits(other)).mean(0)
    assert np.abs(equal - 0.5).max() < 5 * 0.5 / np.sqrt(100_000)


@pytest.mark.parametrize("lag", [1, 2])
def test_the_next_seed_is_no_shifted_copy(lag):
    one, other = bits((5, 3)), bits((5, 3 + lag))
    for first, second in ((one, other), (other, one)):
        equal = (first[lag:] == second[:-lag]).mean(0)
        assert np.abs(equal - 0.5).max() < 5 * 0.5 / np.sqrt(99_998)


@pytest.mark.slow
def test_the_bits_of_a_place_change_from_step_to_step():
    steps = [bits((9, step), size=16) for step in range(5_000)]
    steps = np.stack(steps).astype("float64")
    assert np.abs(steps.mean(0) - 0.5).max() < 5 * 0.5 / np.sqrt(5_000)
    both = (steps[1:] == steps[:-1]).mean(0)
    assert np.abs(both - 0.5).max() < 5 * 0.5 / np.sqrt(4_999)
