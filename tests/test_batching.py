"""Batches hold every row once and stay within their budget."""

import numpy as np
import pytest

from semmatch._batching import token_budget_batches


@pytest.mark.parametrize("max_tokens", [1, 10, 64, 1000, 10**9])
@pytest.mark.parametrize("seed", range(3))
def test_every_row_is_in_one_batch(seed, max_tokens):
    lengths = np.random.default_rng(seed).integers(1, 65, 200)
    batches = token_budget_batches(lengths, max_tokens)
    assert sorted(np.concatenate(batches)) == list(range(200))


@pytest.mark.parametrize("max_tokens", [64, 100, 1000])
def test_a_padded_batch_keeps_the_budget_and_is_full(max_tokens):
    lengths = np.random.default_rng(0).integers(1, 65, 200)
    batches = token_budget_batches(lengths, max_tokens)
    for batch in batches:
        assert len(batch) * lengths[batch].max() <= max_tokens
    for batch in batches[:-1]:  # one row more would not fit
        assert (len(batch) + 1) * lengths[batch].max() > max_tokens


def test_the_longest_rows_come_first_and_equal_ones_in_their_order():
    lengths = [3, 9, 3, 9, 5, 3]
    batches = token_budget_batches(lengths, 9)
    assert [batch.tolist() for batch in batches] == [[1], [3], [4], [0, 2, 5]]


@pytest.mark.parametrize("length", [11, 10**6])
def test_a_row_above_the_budget_is_a_batch_of_its_own(length):
    batches = token_budget_batches([2, length, length, 2], 10)
    assert [batch.tolist() for batch in batches] == [[1], [2], [0, 3]]


def test_rows_of_no_tokens_are_batched_too():
    batches = token_budget_batches([0, 0, 0], 2)
    assert [batch.tolist() for batch in batches] == [[0, 1], [2]]


def test_no_rows_are_no_batches():
    assert token_budget_batches([], 10) == []
