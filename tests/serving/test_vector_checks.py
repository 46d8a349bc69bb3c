"""What an index finds out about vectors in one pass."""

import numpy as np
import pytest

from semmatch.serving.vector_checks import blocks
from semmatch.serving.vector_checks import checked_vectors


def unit(count, dim):
    vectors = np.random.default_rng(0).normal(size=(count, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype("float32")


@pytest.mark.parametrize("dim", [1, 3, 384, 1024])
def test_unit_vectors_are_known_in_float32(dim):
    assert checked_vectors(unit(2000, dim), "vectors", dim, "cosine")[1]


@pytest.mark.parametrize("factor", [0.0, 0.999, 1.001, 1e30])
@pytest.mark.parametrize("row", [0, 999, 1999])
def test_one_vector_of_another_length_is_seen(row, factor):
    vectors = unit(2000, 384)
    vectors[row] *= np.float32(factor)
    same, of_length_1 = checked_vectors(vectors, "vectors", 384, "cosine")
    assert same is vectors
    assert not of_length_1


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_the_row_of_what_is_not_finite_is_told(value):
    vectors = unit(2000, 384).astype("float64")
    vectors[1500, 7] = value
    with pytest.raises(ValueError, match=r"infinity in queries\[1500\]"):
        checked_vectors(vectors, "queries", 384, "dot")


def test_blocks_cover_all_rows_once():
    rows = np.arange(10)[:, None].repeat(3, axis=1)
    parts = [rows[block, 0] for block in blocks(rows, 7)]
    assert list(map(len, parts)) == [2, 2, 2, 2, 2]
    assert np.concatenate(parts).tolist() == list(range(10))
    assert len(blocks(rows, 1)) == 10
