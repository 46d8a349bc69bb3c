"""Values are found once, each in its place."""

import numpy as np
import pytest

from semmatch.serving.distinct import distinct


@pytest.mark.parametrize("seed", range(3))
def test_the_rows_give_the_values_back(seed):
    values = np.random.default_rng(seed).integers(0, 30, 100).tolist()
    different, rows = distinct(iter(values))
    assert [different[row] for row in rows] == values
    assert sorted(different) == sorted(set(values))


def test_they_are_in_the_order_in_which_they_come():
    different, rows = distinct(["c", "a", "c", "b", "a"])
    assert different == ["c", "a", "b"]
    assert rows.tolist() == [0, 1, 0, 2, 1]


def test_nothing_is_nothing():
    different, rows = distinct([])
    assert different == []
    assert (rows.shape, rows.dtype) == ((0,), np.int64)
