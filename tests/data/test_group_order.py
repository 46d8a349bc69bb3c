"""Batches of few lengths in which no group stands too often."""

import time

import numpy as np
import pytest

from semmatch.data.group_order import group_order
from semmatch.data.pair_dataset import epoch_order


def batches(order, batch_size):
    whole = len(order) // batch_size * batch_size
    return order[:whole].reshape(-1, batch_size)


def most(groups, rows):
    """How often the most frequent group of some rows occurs in them."""
    return np.unique(groups[rows], return_counts=True)[1].max(initial=0)


def padding(lengths, order, batch_size):
    parts = lengths[batches(order, batch_size)]
    return (parts.max(axis=1, keepdims=True) - parts).sum()


def skewed(size, num, seed=0):
    """Groups of very different sizes, whose rows are of similar length."""
    random = np.random.default_rng(seed)
    groups = (num * random.random(size) ** 3).astype(int)
    return 5 + groups % 20 + random.integers(0, 10, size), groups


@pytest.mark.parametrize("size", [0, 1, 7, 64, 65, 203, 1000])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 2000])
def test_every_row_comes_once(size, batch_size):
    lengths, groups = skewed(size, 10)
    order = group_order(lengths, groups, batch_size, seed=0, epoch=0)
    assert order.dtype == "int64"
    assert sorted(order) == list(range(size))


@pytest.mark.parametrize("batch_size", [2, 8, 15])
@pytest.mark.parametrize("size", [20, 200, 3001, 20_000])
def test_no_group_stands_twice_in_a_batch_where_that_can_be(batch_size, size):
    random = np.random.default_rng(size)
    whole = size // batch_size
    # As many rows of most groups as there are batches: the tightest case.
    groups = random.permutation(np.arange(size) // whole)
    lengths = 3 + groups % 7
    for epoch in range(2):
        order = group_order(lengths, groups, batch_size, 0, epoch)
        for rows in batches(order, batch_size):
            assert most(groups, rows) == 1
        assert most(groups, order[whole * batch_size :]) <= 1


@pytest.mark.parametrize("batch_size", [8, 64, 100])
@pytest.mark.parametrize("num", [3, 40, 4000])
def test_many_duplicates_are_spread_evenly(batch_size, num):
    lengths, groups = skewed(10_007, num)
    whole = 10_007 // batch_size
    allowed = np.maximum(
        max(1, batch_size // 16), -(-np.bincount(groups) // whole)
    )
    order = group_order(lengths, groups, batch_size, seed=1, epoch=0)
    for rows in batches(order, batch_size):
        found, counts = np.unique(groups[rows], return_counts=True)
        assert (counts <= allowed[found]).all()


def test_without_equal_groups_lengths_are_as_near_as_in_epoch_order():
    lengths = np.random.default_rng(0).integers(1, 100, 10_000)
    order = group_order(lengths, np.arange(10_000), 32, seed=0, epoch=0)
    plain = padding(lengths, epoch_order(lengths, 32, 0, 0), 32)
    assert padding(lengths, order, 32) < 1.1 * plain


def test_with_groups_lengths_stay_much_nearer_than_by_chance():
    lengths, groups = skewed(20_000, 500)
    order = group_order(lengths, groups, 64, seed=0, epoch=0)
    chance = np.random.default_rng(0).permutation(20_000)
    assert padding(lengths, order, 64) < padding(lengths, chance, 64) / 3


def test_the_order_is_a_function_of_seed_and_epoch():
    lengths, groups = skewed(500, 50)
    first = group_order(lengths, groups, 8, 5, 0)
    np.testing.assert_array_equal(first, group_order(lengths, groups, 8, 5, 0))
    assert (first != group_order(lengths, groups, 8, 5, 1)).any()
    assert (first != group_order(lengths, groups, 8, 6, 0)).any()


@pytest.mark.parametrize("size", [7, 64])
def test_rows_and_batches_are_shuffled(size):
    lengths = np.repeat(np.arange(1, 11), 1000)
    order = group_order(lengths, np.arange(10_000), size, seed=0, epoch=0)
    assert abs(np.corrcoef(order, np.arange(10_000))[0, 1]) < 0.1
    # Of one length, too, neighbours differ from epoch to epoch.
    again = group_order(lengths, np.arange(10_000), size, seed=0, epoch=1)

    def together(order):
        return {frozenset(rows) for rows in batches(order, size).tolist()}

    assert not together(order) & together(again)


def test_equal_lengths_do_not_bring_a_group_together():
    # Groups of 4 rows, any of which may share a batch of 64.
    groups = np.arange(8192) // 4
    order = group_order(np.ones(8192), groups, 64, seed=0, epoch=0)
    met = sum(64 - len(set(groups[rows])) for rows in batches(order, 64))
    # By chance each row meets each of 3 others in 63 of 8191 cases.
    assert met < 2 * 8192 * 3 / 2 * 63 / 8191


def test_an_order_of_100_000_rows_takes_seconds():
    lengths, groups = skewed(100_000, 5000)
    start = time.process_time()
    group_order(lengths, groups, 64, seed=0, epoch=0)
    assert time.process_time() - start < 5
