"""ListwiseKL against its formula, and what a model learns by it."""

import keras
import numpy as np
import pytest

from semmatch._similarity import SIMILARITIES
from semmatch.data import triplet_dataset
from semmatch.data import Triplets
from semmatch.losses import ListwiseKL
from semmatch.losses import LossSum
from semmatch.losses import Matryoshka
from semmatch.losses.vector_loss import is_loss_of_lists
from semmatch.training import AdamW
from tests.checks import tensorflow_only
from tests.checks import to_numpy
from tests.losses.gradients import gradient
from tests.losses.vectors import assert_close
from tests.losses.vectors import embeddings
from tests.losses.vectors import PRECISE
from tests.losses.vectors import values
from tests.models.bi_models import bi_model
from tests.test_similarity import DEFINITIONS

TEACHER = np.random.default_rng(1).normal(0, 3, (6, 3)).round(3)


def shares(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def by_loops(teacher, vectors, temperature=1.0, similarity="cosine", scale=20):
    found = []
    for scores, row in zip(teacher, vectors, strict=True):
        similar = np.array(
            [DEFINITIONS[similarity](row[0], text) for text in row[1:]]
        )
        real = ~np.isnan(scores)
        if real.sum() < 2:
            found.append(0.0)
            continue
        p = shares(scores[real] / temperature)
        q = shares(scale * similar[real] / temperature)
        found.append(temperature**2 * np.sum(p * np.log(p / q)))
    return np.array(found)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("negatives", [1, 2])
@pytest.mark.parametrize(("temperature", "scale"), [(1.0, 3.0), (2.5, 0.5)])
def test_it_is_the_formula(similarity, negatives, temperature, scale):
    teacher = TEACHER[:, : 1 + negatives]
    vectors = embeddings(texts=2 + negatives)
    options = temperature, similarity, scale
    expected = by_loops(teacher, vectors, *options)
    assert_close(values(ListwiseKL(*options), teacher, vectors), expected)


def test_the_default_is_a_cosine_times_20():
    expected = by_loops(TEACHER, embeddings(texts=4), 1.0, "cosine", 20)
    assert_close(values(ListwiseKL(), TEACHER, embeddings(texts=4)), expected)


def test_empty_places_do_not_count():
    teacher, vectors = TEACHER.copy(), embeddings(texts=4)
    teacher[0, 1] = teacher[2, 2] = np.nan
    teacher[1, 0] = np.nan
    teacher[3, 1:] = np.nan
    teacher[4, [0, 2]] = np.nan
    teacher[5] = np.nan
    expected = by_loops(teacher, vectors)
    assert (expected == 0).tolist() == [False] * 3 + [True] * 3
    assert_close(values(ListwiseKL(), teacher, vectors), expected)
    slopes = gradient(lambda x: ListwiseKL()(teacher, x), vectors)
    still = (slopes == 0).all(axis=-1)
    assert still[0].tolist() == [False, False, True, False]
    assert still[1].tolist() == [False, True, False, False]
    assert still[3:].all()


def test_what_stands_in_an_empty_place_does_not_count():
    teacher, vectors = TEACHER.copy(), embeddings(texts=4)
    teacher[:, 2] = np.nan
    expected = values(ListwiseKL(1.0, "dot"), teacher, vectors)
    vectors[:, 3] *= 1e3
    assert_close(values(ListwiseKL(1.0, "dot"), teacher, vectors), expected)


def test_the_teachers_order_and_not_its_numbers_are_learnt():
    vectors = embeddings(texts=4)
    expected = values(ListwiseKL(), TEACHER, vectors)
    shifted = TEACHER + np.arange(6)[:, None]
    assert_close(values(ListwiseKL(), shifted, vectors), expected)
    own = [
        [7 * DEFINITIONS["cosine"](row[0], text) for text in row[1:]]
        for row in vectors
    ]
    assert_close(values(ListwiseKL(scale=7), own, vectors), np.zeros(6))


@pytest.mark.skipif(not PRECISE, reason="needs float64")
def test_at_a_high_temperature_it_is_a_squared_error():
    # Hinton et al. 2015: of logits z and t around their means, to first order
    # in 1 / T, the mean of (z - t)**2 over 2; without the factor it were 0.
    vectors = embeddings(texts=4)
    similar = np.einsum("nd,ntd->nt", vectors[:, 0], vectors[:, 1:])
    z = similar - similar.mean(axis=1, keepdims=True)
    t = TEACHER - TEACHER.mean(axis=1, keepdims=True)
    found = values(ListwiseKL(1e4, "dot", 1), TEACHER, vectors)
    np.testing.assert_allclose(found, np.mean((z - t) ** 2, 1) / 2, rtol=3e-3)


def test_shares_that_float32_holds_as_0_and_1_have_gradients():
    # A teacher and a student that are both sure, the one of the farthest: of
    # it the student has exp(-scale * (nearest - farthest)).
    vectors = embeddings(texts=4)
    similar = np.array(
        [
            [DEFINITIONS["cosine"](row[0], text) for text in row[1:]]
            for row in vectors
        ]
    )
    teacher = -1e5 * similar
    teacher[0, 1] = similar[0, 1] = np.nan
    loss = ListwiseKL(scale=1e6)
    apart = np.nanmax(similar, axis=1) - np.nanmin(similar, axis=1)
    found = float(loss(teacher, vectors))
    assert found == pytest.approx(1e6 * np.mean(apart), rel=1e-4)
    slopes = gradient(lambda x: loss(teacher, x), vectors)
    assert np.isfinite(slopes).all()
    assert (np.abs(slopes).max(axis=(1, 2)) > 0).all()


def test_a_score_without_bounds_is_no_empty_place():
    teacher = TEACHER.copy()
    teacher[0, 0] = np.inf
    found = values(ListwiseKL(), teacher, embeddings(texts=4))
    assert np.isfinite(found).tolist() == [False] + [True] * 5


def test_weights_multiply_the_values():
    weights = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
    expected = by_loops(TEACHER, embeddings(texts=4)) * weights
    found = values(ListwiseKL(), TEACHER, embeddings(texts=4), weights)
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
    with pytest.raises(ValueError, match=f"`listwise_kl` takes.*{message}"):
        ListwiseKL()(y_true, embeddings(texts=texts))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, "`temperature` must be a finite.*temperature=0"),
        ({"scale": -1.0}, "`scale` must be a finite number above 0.*-1.0"),
        ({"similarity": "l2"}, "`similarity` must be one of.*'l2'"),
    ],
)
def test_other_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ListwiseKL(**options)


@pytest.mark.parametrize(
    "loss",
    [
        ListwiseKL(),
        Matryoshka(ListwiseKL(), [2, 8]),
        LossSum([ListwiseKL(), ListwiseKL(2.0)]),
    ],
)
def test_it_is_a_loss_of_lists(loss):
    assert is_loss_of_lists(loss)
    model = bi_model()
    model.compile(loss=loss)
    # Not the area of pairs: how often a query finds its own passage.
    assert [metric.name for metric in model.default_metrics()] == ["accuracy"]


# Rows differ in length, and the positive is not always what is liked best.
TRIPLETS = Triplets(
    ["取消", "借", "怎么"],
    ["还款", "Hello", "如何"],
    [["借", "如何"], ["怎么", "取消"], ["Hello"]],
)
SCORES = [[0.0, -3.0, 3.0], [2.0, 0.0, -2.0], [-2.0, 2.0]]


def ranking(model):
    """The candidates' places of each row, the nearest first."""
    found = []
    for row, anchor in enumerate(TRIPLETS.anchor):
        texts = [TRIPLETS.positive[row], *TRIPLETS.negatives[row]]
        query = model.encode([anchor], side="query")
        near = model.similarity(query, model.encode(texts))[0]
        found.append(np.argsort(-near).tolist())
    return found


def rows_with_scores(model):
    return triplet_dataset(TRIPLETS, model.preprocessor, scores=SCORES)


@pytest.mark.slow
def test_a_model_learns_the_teachers_ranking():
    keras.utils.set_random_seed(0)
    model = bi_model()
    expected = [np.argsort(-np.array(row)).tolist() for row in SCORES]
    assert all(
        before != after
        for before, after in zip(ranking(model), expected, strict=True)
    )
    model.compile(AdamW(0.01), ListwiseKL())
    data = rows_with_scores(model)
    history = model.fit(data, epochs=100, verbose=0).history
    assert ranking(model) == expected
    assert history["loss"][-1] < 0.05 * history["loss"][0]
    # And how sure it is: 20 times a difference of cosines is one of logits.
    query = model.encode(["怎么"], side="query")
    near = 20 * model.similarity(query, model.encode(["如何", "Hello"]))[0]
    assert near[0] - near[1] == pytest.approx(-2 - 2, abs=1)


@pytest.mark.slow
@tensorflow_only
def test_parts_of_a_batch_add_up_to_it():
    def trained(micro_batch_size):
        model = bi_model()
        before = [to_numpy(v) for v in model.trainable_variables]
        model.compile(
            keras.optimizers.SGD(0.01),
            ListwiseKL(),
            micro_batch_size=micro_batch_size,
        )
        history = model.fit(rows_with_scores(model), epochs=2, verbose=0)
        after = [to_numpy(v) for v in model.trainable_variables]
        return before, after, history.history["loss"]

    before, after, losses = trained(None)
    moved = [np.abs(a - b).max() for a, b in zip(before, after, strict=True)]
    assert max(moved) > 0.01
    for size in (1, 2):
        _, of_parts, losses_of_parts = trained(size)
        for a, b in zip(after, of_parts, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
        np.testing.assert_allclose(losses_of_parts, losses, rtol=1e-4)
