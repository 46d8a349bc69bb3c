"""Similarities in Keras operations against their definitions."""

import numpy as np
import pytest
from keras import ops

from semmatch._similarity import SIMILARITIES
from semmatch.losses.similarity import pair_similarity
from semmatch.losses.similarity import query_similarity
from semmatch.losses.similarity import similarity_matrix
from semmatch.losses.similarity import unit_vectors
from tests.checks import to_numpy
from tests.losses.gradients import gradient
from tests.test_similarity import DEFINITIONS

# Equal vectors, zeros beside another vector, zeros alone.
EDGES = [[[1, 2], [1, 2]], [[0, 0], [1, 2]], [[1, 2], [0, 0]], [[0, 0], [0, 0]]]


def embeddings(texts=2):
    return np.random.default_rng(0).normal(size=(5, texts, 4))


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("texts", [2, 4])
def test_it_is_that_of_the_first_two_texts(similarity, texts):
    vectors = embeddings(texts)
    expected = [DEFINITIONS[similarity](row[0], row[1]) for row in vectors]
    found = pair_similarity(ops.convert_to_tensor(vectors), similarity)
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-5)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_query_meets_its_own_texts(similarity):
    vectors = embeddings(4)
    expected = [
        [DEFINITIONS[similarity](row[0], text) for text in row[1:]]
        for row in vectors
    ]
    found = query_similarity(ops.convert_to_tensor(vectors), similarity)
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-5)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_each_vector_meets_each_other_one(similarity):
    a, b = embeddings()[:, 0], embeddings(3)[1:, 2]
    expected = [[DEFINITIONS[similarity](x, y) for y in b] for x in a]
    found = similarity_matrix(*map(ops.convert_to_tensor, (a, b)), similarity)
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_of_a_matrix_equal_vectors_and_zeros_have_gradients(similarity):
    rows = np.array([[1, 2], [1, 2], [0, 0], [3, -1]], "float32")
    slopes = gradient(
        lambda x: ops.sum(similarity_matrix(x, x, similarity)), rows
    )
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_equal_vectors_and_zeros_have_values_and_gradients(similarity):
    edges = np.array(EDGES, "float32")
    found = to_numpy(pair_similarity(ops.convert_to_tensor(edges), similarity))
    expected = {
        "cosine": [1, 0, 0, 0],
        "dot": [5, 0, 0, 0],
        "euclidean": [0, -(5**0.5), -(5**0.5), 0],
        "manhattan": [0, -3, -3, 0],
    }[similarity]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    slopes = gradient(lambda x: ops.sum(pair_similarity(x, similarity)), edges)
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_gradients_are_the_quotients_of_small_differences(similarity):
    vectors = embeddings()
    slopes = gradient(
        lambda x: ops.sum(pair_similarity(x, similarity)), vectors
    )

    def total(vectors):
        return sum(DEFINITIONS[similarity](row[0], row[1]) for row in vectors)

    for place in np.ndindex(vectors.shape):
        move = np.zeros(vectors.shape)
        move[place] = 1e-6
        quotient = (total(vectors + move) - total(vectors - move)) / 2e-6
        assert slopes[place] == pytest.approx(quotient, rel=1e-3, abs=1e-4)


def test_unit_vectors_keep_directions_and_zeros():
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [-1e-6, 0.0], [3e8, 4e8]])
    found = unit_vectors(ops.convert_to_tensor(vectors, "float32"))
    np.testing.assert_allclose(
        to_numpy(found), [[0.6, 0.8], [0, 0], [-1, 0], [0.6, 0.8]], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (pair_similarity, [(1, 2, 3)]),
        (query_similarity, [(1, 2, 3)]),
        (similarity_matrix, [(1, 3), (2, 3)]),
    ],
)
def test_another_similarity_is_refused(function, shapes):
    with pytest.raises(ValueError, match="`similarity` must be one of.*'l2'"):
        function(*map(ops.zeros, shapes), "l2")
