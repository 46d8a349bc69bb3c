"""The search of all vectors, against each similarity's definition."""

import tracemalloc

import numpy as np
import pytest

from semmatch.serving import exact_vectors
from semmatch.serving.exact_vectors import ExactVectors
from tests.test_similarity import DEFINITIONS

SIMILARITIES = ("dot", "euclidean", "manhattan")


def normal(rows, dim=6, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, dim)).astype("float32")


def make(vectors, similarity="dot"):
    exact = ExactVectors(vectors.shape[1], similarity)
    exact.add(vectors, np.arange(len(vectors)))
    return exact


def expected(queries, vectors, similarity):
    """All similarities in float64, and rows best first, the lower of equals."""
    define = DEFINITIONS[similarity]
    queries, vectors = queries.astype("float64"), vectors.astype("float64")
    scores = np.array([[define(q, v) for v in vectors] for q in queries])
    rows = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(scores, rows, axis=1), rows


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("k", [1, 7, 50])
@pytest.mark.parametrize("blocks", [(1, 1), (20, 120), (2**18, 2**23)])
def test_the_best_are_found_whatever_the_blocks(
    monkeypatch, similarity, k, blocks
):
    monkeypatch.setattr(exact_vectors, "_BLOCK", blocks[0])
    monkeypatch.setattr(exact_vectors, "_KEYS", blocks[1])
    vectors, queries = normal(50), normal(9, seed=1)
    similarities, rows = make(vectors, similarity).search(queries, k)
    scores, order = expected(queries, vectors, similarity)
    assert (similarities.dtype, rows.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(rows, order[:, :k])
    np.testing.assert_allclose(similarities, scores[:, :k], rtol=2e-6)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("dim", [5, 64, 384])
def test_equal_vectors_come_in_the_order_of_their_rows(similarity, dim):
    # Matrix products of float32 differ in the last bits by the place of a
    # vector in its block and by the number of queries.
    vectors = np.repeat(normal(7, dim), 150, axis=0)
    vectors = vectors[np.random.default_rng(1).permutation(len(vectors))]
    queries = normal(33, dim, seed=2)
    exact = make(vectors, similarity)
    for k in (10, 400, len(vectors)):
        similarities, rows = exact.search(queries, k)
        same = similarities[:, 1:] == similarities[:, :-1]
        assert (same.mean() > 0.9) and (np.diff(rows)[same] > 0).all()
        one = [exact.search(query[None], k) for query in queries]
        np.testing.assert_array_equal(similarities, [s[0] for s, _ in one])
        np.testing.assert_array_equal(rows, [r[0] for _, r in one])


def test_of_ties_at_the_end_the_lower_rows_are_kept():
    vectors = np.array([[2], [1], [3], [1], [1], [2]], "float32")
    _, rows = make(vectors).search(np.ones((1, 1), "float32"), 4)
    assert rows.tolist() == [[2, 0, 5, 1]]


def test_the_two_zeros_are_equal():
    vectors = np.array([[-0.0], [0.0], [-1.0], [-0.0]], "float32")
    _, rows = make(vectors).search(np.ones((1, 1), "float32"), 4)
    assert rows.tolist() == [[0, 1, 3, 2]]


def test_extreme_similarities_keep_their_order():
    values = [1e30, -1e30, 1e-40, -1e-40, 0.0, 1.5, -1.5]
    vectors = np.array(values, "float32")[:, None]
    similarities, rows = make(vectors).search(np.ones((1, 1), "f"), 7)
    assert rows.tolist() == [[0, 5, 2, 4, 3, 6, 1]]
    np.testing.assert_array_equal(similarities, vectors[rows, 0])


def test_small_distances_of_long_vectors_are_not_lost():
    # In float32 the squared length, 6e6, leaves nothing of a distance of 0.1.
    vectors = 1000 + normal(40) / 20
    queries = vectors[:5]
    similarities, rows = make(vectors, "euclidean").search(queries, 40)
    scores, order = expected(queries, vectors, "euclidean")
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_allclose(similarities, scores, rtol=1e-4)
    assert (similarities[:, 0] == 0).all()


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_removed_vectors_are_gone_and_rows_stay(similarity):
    vectors, queries = normal(60), normal(4, seed=1)
    exact = ExactVectors(6, similarity)
    exact.add(vectors[:25], np.arange(25))
    dead = np.zeros(25, "bool")
    dead[[0, 3, 24]] = True
    exact.remove(dead)
    exact.add(vectors[25:], np.arange(25, 60))
    dead = np.concatenate([dead, np.zeros(35, "bool")])
    dead[[7, 59]] = True
    exact.remove(dead)
    assert exact.shape == (55, 6)
    _, rows = exact.search(queries, 55)
    _, order = expected(queries, vectors, similarity)
    kept = [[row for row in own if not dead[row]] for own in order]
    np.testing.assert_array_equal(rows, kept)


def test_adding_one_by_one_copies_each_vector_a_few_times():
    exact = ExactVectors(4, "dot")
    copies = 0
    for row, vector in enumerate(normal(500, 4)):
        room = exact._room
        exact.add(vector[None], np.array([row]))
        copies += row if exact._room is not room else 0
    assert copies < 2 * 500
    np.testing.assert_array_equal(exact.vectors, normal(500, 4))


def test_a_search_of_many_queries_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr(exact_vectors, "_KEYS", 2**16)
    exact, queries = make(normal(2000)), normal(2000, seed=1)
    tracemalloc.start()
    exact.search(queries, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All similarities at once are 16 MB, and their keys 32.
    assert peak < 8e6
