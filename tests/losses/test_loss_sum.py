"""A sum of losses is the sum of what each gives alone."""

import keras
import numpy as np
import pytest

from semmatch.losses import Contrastive
from semmatch.losses import CoSENT
from semmatch.losses import CosineMSE
from semmatch.losses import LossSum
from tests.losses.test_cosent import by_loops as cosent
from tests.losses.test_cosine_mse import by_loops as mse
from tests.losses.vectors import assert_close
from tests.losses.vectors import embeddings
from tests.losses.vectors import precise
from tests.losses.vectors import values

LABELS = np.array([0.0, 1.0, 0.25, 0.0, 0.5, 1.0])


@pytest.mark.parametrize("weights", [None, [0.5, 2.0]])
def test_it_is_the_weighted_sum(weights):
    first, second = weights or (1, 1)
    loss = LossSum([CoSENT(), CosineMSE("dot")], weights)
    vectors = embeddings()
    order, errors = cosent(LABELS, vectors, 20.0), mse(LABELS, vectors, "dot")
    assert_close(values(loss, LABELS, vectors), first * order + second * errors)
    assert_close(
        precise(loss)(LABELS, vectors), first * order + second * errors.mean()
    )


def test_each_loss_has_the_weights_of_examples_in_its_own_way():
    weights = np.array([1.0, 2.0, 0.0, 3.0, 1.0, 0.0])
    loss, vectors = LossSum([CoSENT(2.0), CosineMSE()]), embeddings()
    expected = cosent(LABELS, vectors, 2.0, weights=weights)
    expected += np.mean(weights * mse(LABELS, vectors))
    assert_close(precise(loss)(LABELS, vectors, weights), expected)


def test_keras_trains_with_it():
    inputs = keras.Input((2, 5))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile(loss=LossSum([CoSENT(2.0), CosineMSE()], [1.0, 3.0]))
    vectors = embeddings()
    loss = model.evaluate(vectors, LABELS, verbose=0)
    expected = cosent(LABELS, vectors, 2.0) + 3 * mse(LABELS, vectors).mean()
    assert loss == pytest.approx(expected, rel=1e-4)


def test_a_part_of_the_batch_level_makes_the_sum_so():
    assert LossSum([CosineMSE(), CoSENT()]).batch_level
    assert LossSum([LossSum([CosineMSE(), CoSENT()])]).batch_level
    assert not LossSum([CosineMSE(), Contrastive()]).batch_level


def test_labels_are_those_that_all_parts_can_learn():
    assert LossSum([CosineMSE(), CoSENT()]).label_range == (-1, 1)
    assert LossSum([CosineMSE(), Contrastive()]).label_range == (0, 1)
    assert LossSum([CoSENT()]).label_range == (-np.inf, np.inf)


def test_its_reduction_is_theirs():
    loss = LossSum([CosineMSE(reduction="sum"), Contrastive(reduction="sum")])
    assert loss.reduction == "sum"
    assert LossSum([CosineMSE()]).reduction == CosineMSE().reduction


@pytest.mark.parametrize(
    ("losses", "options", "message"),
    [
        ([], {}, "`losses` must hold at least one.*Received: 0 losses"),
        (["mse"], {}, "`losses` takes objects such as.*Received: 'mse'"),
        (
            [CosineMSE(), Contrastive(reduction="sum")],
            {},
            r"one reduction.*2 losses.*\['sum', 'sum_over_batch_size'\]",
        ),
        (
            [CosineMSE()],
            {"weights": [1.0, 2.0]},
            r"`weights` must be one number for each of `losses`, 1.*\[1.0, 2.0",
        ),
        ([CosineMSE()], {"weights": [0]}, "`weights` must be a finite number"),
    ],
)
def test_other_losses_and_weights_are_refused(losses, options, message):
    with pytest.raises(ValueError, match=message):
        LossSum(losses, **options)
