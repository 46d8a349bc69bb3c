"""Matryoshka is its loss on vectors that numpy cuts and normalises."""

import keras
import numpy as np
import pytest

from semmatch.losses import Contrastive
from semmatch.losses import CoSENT
from semmatch.losses import CosineMSE
from semmatch.losses import InfoNCE
from semmatch.losses import LossSum
from semmatch.losses import MarginMSE
from semmatch.losses import Matryoshka
from tests.losses import test_cosent
from tests.losses import test_info_nce
from tests.losses import test_margin_mse
from tests.losses.vectors import assert_close
from tests.losses.vectors import embeddings
from tests.losses.vectors import precise
from tests.losses.vectors import values

LABELS = np.array([0, 1, 1, 0, 2, 1])
DIMS = [2, 5, 3]
WEIGHTS = [0.5, 2.0, 1.0]


def cut(vectors, dim):
    vectors = vectors[..., :dim]
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_it_is_the_weighted_sum_over_cut_vectors(weights):
    loss = Matryoshka(InfoNCE(0.5), DIMS, weights)
    expected = sum(
        weight * test_info_nce.by_loops(LABELS, cut(embeddings(), dim), 0.5)
        for dim, weight in zip(DIMS, weights or [1, 1, 1], strict=True)
    )
    assert_close(values(loss, LABELS, embeddings()), expected)
    assert_close(precise(loss)(LABELS, embeddings()), expected.mean())


def test_cut_vectors_have_the_length_one_in_a_dot_product_too():
    teacher, vectors = test_margin_mse.TEACHER, embeddings(texts=4)
    expected = sum(
        test_margin_mse.by_loops(teacher, cut(vectors, dim)) for dim in DIMS
    )
    found = values(Matryoshka(MarginMSE(), DIMS), teacher, vectors)
    assert_close(found, expected)


def test_its_loss_has_the_weights_of_examples_in_its_own_way():
    weights = np.array([1.0, 2.0, 0.0, 3.0, 1.0, 0.0])
    loss = Matryoshka(CoSENT(2.0), DIMS)
    expected = sum(
        test_cosent.by_loops(
            LABELS, cut(embeddings(), dim), 2.0, weights=weights
        )
        for dim in DIMS
    )
    assert_close(precise(loss)(LABELS, embeddings(), weights), expected)


def test_keras_trains_with_it():
    inputs = keras.Input((2, 5))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile(loss=Matryoshka(InfoNCE(0.5), [2, 5]))
    loss = model.evaluate(
        embeddings(), LABELS.astype("int32"), batch_size=3, verbose=0
    )
    expected = np.mean(
        [
            sum(
                test_info_nce.by_loops(
                    LABELS[rows], cut(embeddings()[rows], dim), 0.5
                )
                for dim in (2, 5)
            )
            for rows in (slice(0, 3), slice(3, 6))
        ]
    )
    assert loss == pytest.approx(expected, rel=1e-5)


def test_it_is_of_the_kind_of_its_loss():
    assert Matryoshka(CoSENT(), [2]).batch_level
    assert Matryoshka(LossSum([CosineMSE(), CoSENT()]), [2]).batch_level
    assert not Matryoshka(CosineMSE(), [2]).batch_level
    assert Matryoshka(Contrastive(), [2]).label_range == (0, 1)
    assert Matryoshka(CoSENT(), [2]).label_range == (-np.inf, np.inf)
    assert Matryoshka(CosineMSE(reduction="sum"), [2]).reduction == "sum"


def test_a_width_over_that_of_the_vectors_is_refused():
    loss = Matryoshka(CoSENT(), [2, 6])
    message = r"`matryoshka` cuts vectors at \[2, 6\].*of 5 dimensions"
    with pytest.raises(ValueError, match=message):
        loss(LABELS, embeddings())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mse", [2]), "`loss` takes objects such as.*Received: 'mse'"),
        ((CoSENT(), []), "`dims` must name a width"),
        ((CoSENT(), [0]), "`dims` must be an integer of at least 1.*dims=0"),
        ((CoSENT(), [2.0]), "dims=2.0"),
        ((CoSENT(), [2, 5], [1.0]), "one number for each of `dims`, 2"),
        ((CoSENT(), [2], [-1.0]), "`weights` must be a finite number above"),
    ],
)
def test_other_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Matryoshka(*arguments)
