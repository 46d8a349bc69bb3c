"""Similarities in Keras operations against their definitions."""

import numpy as np
import pytest
from keras import ops

from semmatch._similarity import SIMILARITIES
from semmatch.losses.similarity import pair_similarity
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


def test_another_similarity_is_refused():
    with pytest.raises(ValueError, match="`similarity` must be one of.*'l2'"):
        pair_similarity(ops.zeros((1, 2, 3)), "l2")
