"""Batches hold every row once and stay within their budget."""

import numpy as np
import pytest

from semmatch._batching import equal_length_batches
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


@pytest.mark.parametrize("max_rows", [None, 1, 3])
@pytest.mark.parametrize("max_tokens", [1, 64, 1000])
def test_rows_of_one_length_are_batched_together(max_tokens, max_rows):
    lengths = np.random.default_rng(0).integers(0, 65, 300)
    batches = equal_length_batches(lengths, max_tokens, max_rows)
    assert sorted(np.concatenate(batches)) == list(range(300))
    of_batches = [lengths[batch].max() for batch in batches]
    assert of_batches == sorted(of_batches, reverse=True)
    for length, batch in zip(of_batches, batches, strict=True):
        assert (lengths[batch] == length).all()
        assert len(batch) == 1 or len(batch) * length <= max_tokens
        assert max_rows is None or len(batch) <= max_rows
    # No more batches than it takes.
    values, counts = np.unique(lengths, return_counts=True)
    for length, count in zip(values, counts, strict=True):
        rows = max(1, max_tokens // max(1, length))
        rows = min(rows, max_rows or rows)
        assert of_batches.count(length) == -(-count // rows)


def test_batches_of_one_length_are_even_and_in_order():
    batches = equal_length_batches([4, 2, 4, 4, 4, 4], 16)
    assert [batch.tolist() for batch in batches] == [[0, 2, 3], [4, 5], [1]]


def test_no_rows_are_no_batches_of_one_length():
    assert equal_length_batches([], 10) == []
