"""Similarities in numpy against their definitions, pair by pair."""

import tracemalloc

import numpy as np
import pytest

from semmatch import _similarity
from semmatch._similarity import SIMILARITIES
from semmatch._similarity import similarity_matrix
from semmatch._similarity import similarity_pairwise
from semmatch._similarity import unit_vectors

DEFINITIONS = {
    "cosine": lambda a, b: sum(a * b) / (sum(a * a) ** 0.5 * sum(b * b) ** 0.5),
    "dot": lambda a, b: sum(a * b),
    "euclidean": lambda a, b: -(sum((a - b) ** 2) ** 0.5),
    "manhattan": lambda a, b: -sum(abs(a - b)),
}


def vectors(rows, seed=0, dim=5):
    return np.random.default_rng(seed).normal(size=(rows, dim))


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_each_vector_meets_each_other_one(similarity):
    a, b = vectors(3), vectors(4, seed=1)
    found = similarity_matrix(a, b, similarity)
    assert (found.shape, found.dtype) == ((3, 4), np.float32)
    expected = [[DEFINITIONS[similarity](x, y) for y in b] for x in a]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    lists = similarity_matrix(a.tolist(), b.tolist(), similarity)
    np.testing.assert_array_equal(lists, found)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_pairs_are_the_diagonal(similarity):
    a, b = vectors(4), vectors(4, seed=1)
    found = similarity_pairwise(a, b, similarity)
    assert (found.shape, found.dtype) == ((4,), np.float32)
    expected = list(map(DEFINITIONS[similarity], a, b))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_default_is_the_cosine():
    a, b = vectors(4), vectors(4, seed=1)
    for function in (similarity_matrix, similarity_pairwise):
        np.testing.assert_array_equal(function(a, b), function(a, b, "cosine"))


@pytest.mark.parametrize(
    ("similarity", "expected"),
    [
        ("cosine", [1, 0, 0]),
        ("dot", [5, 0, 0]),
        ("euclidean", [0, -(5**0.5), 0]),
        ("manhattan", [0, -3, 0]),
    ],
)
def test_equal_vectors_and_zeros(similarity, expected):
    a, b = [[1, 2], [1, 2], [0, 0]], [[1, 2], [0, 0], [0, 0]]
    found = similarity_pairwise(a, b, similarity)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    matrix = similarity_matrix(a, b, similarity)
    np.testing.assert_allclose(np.diag(matrix), expected, atol=1e-6)


@pytest.mark.parametrize("similarity", ["euclidean", "manhattan"])
@pytest.mark.parametrize("limit", [1, 25, 70, 10**6])
def test_distances_in_parts_are_those_at_once(monkeypatch, similarity, limit):
    a, b = vectors(7), vectors(4, seed=1)
    expected = similarity_matrix(a, b, similarity)
    monkeypatch.setattr(_similarity, "_DIFFERENCES", limit)
    found = similarity_matrix(a, b, similarity)
    np.testing.assert_array_equal(found, expected)


def test_distances_take_little_memory(monkeypatch):
    # All differences at once would be 32 MB.
    a, b = vectors(64, dim=64), vectors(2000, dim=64)
    monkeypatch.setattr(_similarity, "_DIFFERENCES", 2**18)
    tracemalloc.start()
    similarity_matrix(a, b, "euclidean")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_no_vectors_have_no_similarities(similarity):
    none, some = np.empty((0, 5)), vectors(3)
    for a, b in ((none, some), (some, none), (none, none)):
        found = similarity_matrix(a, b, similarity)
        assert (found.shape, found.dtype) == ((len(a), len(b)), np.float32)
    assert similarity_pairwise(none, none, similarity).shape == (0,)


def test_unit_vectors_keep_directions_and_zeros():
    found = unit_vectors(np.array([[3, 4], [0, 0], [-2, 0]], "float32"))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [-1, 0]], rtol=1e-6)


@pytest.mark.parametrize("function", [similarity_matrix, similarity_pairwise])
@pytest.mark.parametrize(
    ("a", "b", "similarity", "message"),
    [
        ([1, 2], [[1, 2]], "dot", r"shape \(2,\). One vector is `vector\[No"),
        ([[1, 2]], [1, 2], "dot", r"Received: shape \(2,\)"),
        ([[1, 2]], [[1, 2, 3]], "dot", r"\(1, 2\) and \(1, 3\).*different mod"),
        ([[1, 2]], [[1, 2]], "l2", "`similarity` must be one of.*'l2'"),
    ],
)
def test_what_has_no_similarity_is_refused(function, a, b, similarity, message):
    with pytest.raises(ValueError, match=message):
        function(a, b, similarity)


def test_pairs_need_as_many_of_each():
    with pytest.raises(ValueError, match="Received: 2 and 3 vectors"):
        similarity_pairwise(vectors(2), vectors(3))


@pytest.mark.parametrize("function", [similarity_matrix, similarity_pairwise])
def test_small_numbers_are_compared_as_large_ones(function):
    # Products of 127 do not fit int8, nor those of 600 float16.
    a = np.array([[127, -127, 64], [1, 2, 3]], "int8")
    b = np.array([[120, 100, -90], [-127, 0, 5]], "int8")
    wide = a.astype(int), b.astype(int)
    cosines = [[DEFINITIONS["cosine"](x, y) for y in wide[1]] for x in wide[0]]
    if function is similarity_pairwise:
        cosines = np.diag(cosines)
    np.testing.assert_allclose(function(a, b), cosines, rtol=1e-5)
    mixed = function(a, b.astype("float32"))
    np.testing.assert_array_equal(mixed, function(a, b))
    halves = np.array([[600, 0, -600]], "float16")
    found = function(halves, halves, "dot")
    assert (found.dtype, found.ravel().tolist()) == (np.float32, [720_000])


@pytest.mark.parametrize("function", [similarity_matrix, similarity_pairwise])
@pytest.mark.parametrize("similarity", ["dot", "euclidean", "manhattan"])
def test_int8_has_no_length_to_compare(function, similarity):
    a, b = np.ones((2, 3), "int8"), np.ones((2, 3), "float32")
    message = f"int8 vectors.*cosines alone.*similarity='{similarity}'"
    for pair in ((a, b), (b, a), (a, a)):
        with pytest.raises(ValueError, match=message):
            function(*pair, similarity)
