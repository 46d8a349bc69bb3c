"""CoSENT against a double loop over the pairs of a batch."""

import keras
import numpy as np
import pytest
from keras import ops

from semmatch._similarity import SIMILARITIES
from semmatch.losses import CoSENT
from semmatch.training.microbatch import check_splittable
from tests.checks import tensorflow_only
from tests.checks import to_numpy
from tests.losses.gradients import gradient
from tests.test_similarity import DEFINITIONS

LABELS = np.array([0, 1, 1, 0, 2, 1])


def embeddings(texts=2, seed=0):
    return np.random.default_rng(seed).normal(size=(len(LABELS), texts, 3))


def by_loops(labels, vectors, scale, similarity="cosine", weights=None):
    """log(1 + the sum of exp(scale (s_j - s_i)) where i has more than j)."""
    weights = np.ones(len(labels)) if weights is None else weights
    similar = [DEFINITIONS[similarity](row[0], row[1]) for row in vectors]
    total = 1.0
    for i in range(len(labels)):
        for j in range(len(labels)):
            if labels[i] > labels[j]:
                term = np.exp(scale * (similar[j] - similar[i]))
                total += weights[i] * weights[j] * term
    return np.log(total)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("scale", [0.5, 20.0])
@pytest.mark.parametrize("texts", [2, 3])
def test_it_is_the_formula(similarity, scale, texts):
    vectors = embeddings(texts)
    loss = CoSENT(scale, similarity, reduction="none")(LABELS, vectors)
    expected = by_loops(LABELS, vectors, scale, similarity)
    np.testing.assert_allclose(to_numpy(loss), [expected] * 6, rtol=1e-4)
    mean = CoSENT(scale, similarity)(LABELS[:, None], vectors)
    np.testing.assert_allclose(to_numpy(mean), expected, rtol=1e-4)


def test_the_default_is_a_cosine_at_a_scale_of_20():
    vectors = embeddings()
    expected = by_loops(LABELS, vectors, 20.0, "cosine")
    assert float(CoSENT()(LABELS, vectors)) == pytest.approx(expected, rel=1e-4)


def test_of_grades_the_order_alone_counts():
    grades = np.array([0.1, 2.5, 2.5, 0.1, 5.0, 2.5])
    one, two = CoSENT()(LABELS, embeddings()), CoSENT()(grades, embeddings())
    assert float(one) == float(two)


@pytest.mark.parametrize("labels", [[1, 1, 1, 1, 1, 1], [0.5] * 6])
def test_equal_labels_teach_nothing(labels):
    assert float(CoSENT()(labels, embeddings())) == 0
    slopes = gradient(lambda x: CoSENT()(np.array(labels), x), embeddings())
    np.testing.assert_array_equal(slopes, np.zeros((6, 2, 3)))


def test_one_pair_teaches_nothing():
    assert float(CoSENT()([1], embeddings()[:1])) == 0


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_gradients_are_finite_for_equal_vectors_and_zeros(similarity):
    vectors = embeddings()
    vectors[0] = 0
    vectors[1, 1] = vectors[1, 0]
    vectors[2, 0] = 0
    slopes = gradient(
        lambda x: CoSENT(similarity=similarity)(LABELS, x), vectors
    )
    assert np.isfinite(slopes).all()
    assert np.abs(slopes).max() > 0


def test_large_similarities_do_not_overflow():
    vectors = 1e3 * embeddings()
    loss = CoSENT(similarity="dot")(LABELS, vectors)
    similar = 20 * np.array([row[0] @ row[1] for row in vectors])
    # Of sums of such powers the largest alone is left.
    gaps = similar[None] - similar[:, None]
    expected = max(0, gaps[LABELS[:, None] > LABELS].max())
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("reduction", ["none", "sum_over_batch_size"])
def test_a_weight_counts_a_pair_so_many_times(reduction):
    vectors, weights = embeddings(), np.array([1, 2, 0, 3, 1, 0])
    loss = CoSENT(2.0, reduction=reduction)(LABELS, vectors, weights)
    rows = np.repeat(np.arange(6), weights)
    expected = by_loops(LABELS[rows], vectors[rows], 2.0)
    np.testing.assert_allclose(to_numpy(loss), expected, rtol=1e-5)


def test_weights_between_whole_numbers_multiply_the_terms():
    vectors, weights = embeddings(), np.array([0.5, 1.5, 2.0, 0.0, 0.3, 1.0])
    expected = by_loops(LABELS, vectors, 20.0, weights=weights)
    loss = CoSENT()(LABELS, vectors, weights[:, None])
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_pairs_of_weight_zero_have_no_gradient():
    weights = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    slopes = gradient(lambda x: CoSENT()(LABELS, x, weights), embeddings())
    moved = np.abs(slopes).max(axis=(1, 2)) > 0
    assert moved.tolist() == (weights > 0).tolist()
    nothing = gradient(lambda x: CoSENT()(LABELS, x, 0 * weights), embeddings())
    assert np.abs(nothing).max() == 0


def test_keras_hands_it_the_weights():
    inputs = keras.Input((2, 3))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile(loss=CoSENT(2.0))
    vectors, weights = embeddings(), np.array([1.0, 2.0, 0.0, 3.0, 1.0, 0.0])
    loss = model.evaluate(vectors, LABELS, sample_weight=weights, verbose=0)
    expected = by_loops(LABELS, vectors, 2.0, weights=weights)
    assert loss == pytest.approx(expected, rel=1e-5)


@tensorflow_only
def test_a_part_of_a_batch_has_another_value():
    with pytest.raises(ValueError, match="`cosent` compares all examples"):
        check_splittable(CoSENT())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0}, "`scale` must be a finite number above 0.*scale=0"),
        ({"scale": float("nan")}, "scale=nan"),
        ({"scale": float("inf")}, "scale=inf"),
        ({"similarity": "l2"}, "`similarity` must be one of.*'l2'"),
    ],
)
def test_other_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CoSENT(**options)


def test_it_falls_as_pairs_are_put_in_order():
    vectors = embeddings()
    slopes = gradient(lambda x: CoSENT()(LABELS, x), vectors)
    before, after = CoSENT()(LABELS, vectors), vectors - 1e-3 * slopes
    assert float(CoSENT()(LABELS, ops.convert_to_tensor(after))) < float(before)
