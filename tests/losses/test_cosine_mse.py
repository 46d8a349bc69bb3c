"""CosineMSE against its formula."""

import numpy as np
import pytest

from semmatch._similarity import SIMILARITIES
from semmatch.losses import CosineMSE
from tests.losses.vectors import assert_close
from tests.losses.vectors import embeddings
from tests.losses.vectors import values
from tests.test_similarity import DEFINITIONS

LABELS = np.array([0.0, 1.0, 0.25, -1.0, 0.5, 1.0])


def by_loops(labels, vectors, similarity="cosine"):
    similar = [DEFINITIONS[similarity](row[0], row[1]) for row in vectors]
    return (labels - np.array(similar)) ** 2


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("texts", [2, 3])
def test_it_is_the_formula(similarity, texts):
    vectors = embeddings(texts=texts)
    expected = by_loops(LABELS, vectors, similarity)
    assert_close(values(CosineMSE(similarity), LABELS, vectors), expected)
    mean = CosineMSE(similarity)(LABELS[:, None], vectors)
    assert float(mean) == pytest.approx(expected.mean(), rel=1e-5)


def test_the_default_is_a_cosine():
    expected = by_loops(LABELS, embeddings(), "cosine")
    assert_close(values(CosineMSE(), LABELS, embeddings()), expected)


def test_weights_multiply_the_values():
    weights = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
    expected = by_loops(LABELS, embeddings()) * weights
    found = values(CosineMSE(), LABELS, embeddings(), weights)
    assert_close(found, expected)


@pytest.mark.parametrize(
    ("similarity", "expected"),
    [
        ("cosine", (-1, 1)),
        ("dot", (-np.inf, np.inf)),
        ("euclidean", (-np.inf, 0)),
        ("manhattan", (-np.inf, 0)),
    ],
)
def test_it_says_which_labels_a_similarity_reaches(similarity, expected):
    assert CosineMSE(similarity).label_range == expected


def test_another_similarity_is_refused():
    with pytest.raises(ValueError, match="`similarity` must be one of.*'l2'"):
        CosineMSE("l2")
