"""MarginMSE against its formula."""

import numpy as np
import pytest

from semmatch._similarity import SIMILARITIES
from semmatch.losses import MarginMSE
from tests.losses.gradients import gradient
from tests.losses.vectors import assert_close
from tests.losses.vectors import embeddings
from tests.losses.vectors import values
from tests.test_similarity import DEFINITIONS

TEACHER = np.random.default_rng(1).normal(0, 3, (6, 3)).round(3)


def by_loops(teacher, vectors, similarity="dot"):
    found = []
    for scores, row in zip(teacher, vectors, strict=True):
        similar = [DEFINITIONS[similarity](row[0], text) for text in row[1:]]
        errors = [
            (similar[0] - similar[i]) - (scores[0] - scores[i])
            for i in range(1, len(scores))
        ]
        errors = [error**2 for error in errors if not np.isnan(error)]
        found.append(np.mean(errors) if errors else 0.0)
    return np.array(found)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("negatives", [1, 2])
def test_it_is_the_formula(similarity, negatives):
    teacher, vectors = (
        TEACHER[:, : 1 + negatives],
        embeddings(texts=2 + negatives),
    )
    expected = by_loops(teacher, vectors, similarity)
    assert_close(values(MarginMSE(similarity), teacher, vectors), expected)


def test_the_default_is_a_dot_product():
    expected = by_loops(TEACHER, embeddings(texts=4), "dot")
    assert_close(values(MarginMSE(), TEACHER, embeddings(texts=4)), expected)


def test_empty_places_do_not_count():
    teacher, vectors = TEACHER.copy(), embeddings(texts=4)
    teacher[0, 1] = teacher[2, 2] = np.nan
    teacher[3, 1:] = np.nan
    teacher[4, 0] = np.nan
    expected = by_loops(teacher, vectors)
    assert (expected == 0).tolist() == [False] * 3 + [True, True, False]
    assert_close(values(MarginMSE(), teacher, vectors), expected)
    slopes = gradient(lambda x: MarginMSE()(teacher, x), vectors)
    still = (slopes == 0).all(axis=-1)
    assert still[0].tolist() == [False, False, True, False]
    assert still[[3, 4]].all()


def test_a_score_without_bounds_is_no_empty_place():
    teacher = TEACHER.copy()
    teacher[0, 0] = np.inf
    assert not np.isfinite(values(MarginMSE(), teacher, embeddings(texts=4))[0])


def test_weights_multiply_the_values():
    weights = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
    expected = by_loops(TEACHER, embeddings(texts=4)) * weights
    found = values(MarginMSE(), TEACHER, embeddings(texts=4), weights)
    assert_close(found, expected)


@pytest.mark.parametrize(
    ("y_true", "texts", "message"),
    [
        (np.ones((6, 4)), 4, r"texts - 1.*\(6, 4\).*\(6, 4, 5\).*`InfoNCE`"),
        (np.ones(6), 4, r"Received: y_true of shape \(6,\)"),
        (np.ones((6, 2)), 2, r"at least 3 texts.*\(6, 2, 5\). Give query"),
    ],
)
def test_other_shapes_are_refused(y_true, texts, message):
    with pytest.raises(ValueError, match=f"`margin_mse` takes.*{message}"):
        MarginMSE()(y_true, embeddings(texts=texts))


def test_another_similarity_is_refused():
    with pytest.raises(ValueError, match="`similarity` must be one of.*'l2'"):
        MarginMSE("l2")
