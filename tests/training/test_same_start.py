"""Workers that would train apart are told so."""

import keras
import numpy as np
import pytest

from semmatch import DistillationModel
from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.training.run import training_run
from semmatch.training.same_start import check_alike
from semmatch.training.same_start import start_of
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import toy_pairs

PAIRS = toy_pairs(20)
# The places of what is compared.
STEPS, EPOCHS, BATCHES, WEIGHTS, DATA = range(5)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (STEPS, "steps trained"),
        (EPOCHS, "epochs"),
        (BATCHES, "batches of an epoch"),
        (WEIGHTS, "checksum of the weights"),
        (DATA, "checksum of the data and their order"),
    ],
)
def test_what_differs_is_told(place, message):
    found = np.full((3, 5), 8.0)
    check_alike(found)
    found[1, place] = 9
    message = f"begin alike.*Received: {message} 8, 9, 8, one for each replica"
    with pytest.raises(ValueError, match=message):
        check_alike(found)


def test_all_that_differs_is_told():
    found = np.array([[0.0, 1, 5, 6, 8], [0, 1, 5, 7, 9]])
    with pytest.raises(ValueError, match="weights 6, 7; checksum of .* 8, 9, "):
        check_alike(found)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = tiny_model(tiny_encoder(dropout=0.1))
    model.compile()
    return model


def start(model, data=None, epochs=1, passed=0, **options):
    """What a worker says that begins a training."""
    if data is None:
        data = dataset(model)
    options["epochs"] = epochs
    run = training_run(model, data, None, options)
    run.passed = passed
    return start_of(run)


def dataset(model, pairs=PAIRS, seed=3, **options):
    options = {"batch_size": 8, "shuffle": True, **options}
    return pair_dataset(pairs, model.preprocessor, seed=seed, **options)


def differences(one, other):
    return [place for place in range(5) if one[place] != other[place]]


def test_equal_workers_say_the_same(model):
    expected = start(model)
    keras.utils.set_random_seed(1)
    other = tiny_model(tiny_encoder(dropout=0.1))
    other.compile()
    # The seeds of dropout are others, and may be.
    assert start(other) == expected
    mapped = dataset(model).map(lambda *batch: batch).prefetch(1)
    assert start(model, mapped) == expected
    assert expected[:3] == [0, 1, 3]


@pytest.mark.parametrize("frozen", [False, True])
def test_every_weight_counts(model, frozen):
    data = dataset(model)
    expected = start(model, data)
    model.backbone.trainable = not frozen
    for weight in model.backbone.weights:
        before = weight.numpy()
        weight.assign(before + 1)
        found = differences(start(model, data), expected)
        assert found == [WEIGHTS], weight.path
        weight.assign(before)
    assert start(model, data) == expected


def test_the_weights_of_a_teacher_count(model):
    student = tiny_model()
    distiller = DistillationModel(model, student)
    distiller.compile()
    expected = start(distiller)
    kernel = model.backbone.weights[0]
    kernel.assign(kernel + 1)
    assert differences(start(distiller), expected) == [WEIGHTS]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"seed": 4}, [DATA]),
        ({"shuffle": False}, [DATA]),
        ({"batch_size": 7}, [DATA]),
        ({"batch_size": 5}, [BATCHES, DATA]),
        ({"pairs": PAIRS[::-1]}, [DATA]),
        ({"pairs": Pairs(PAIRS.text_b, PAIRS.text_a, PAIRS.label)}, [DATA]),
    ],
)
def test_other_data_are_told(model, options, expected):
    other = start(model, dataset(model, **options))
    assert differences(other, start(model)) == expected


def test_data_that_one_worker_looked_at_before_are_elsewhere(model):
    data = dataset(model)
    next(iter(data))
    assert differences(start(model, data), start(model)) == [DATA]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"epochs": 2}, [EPOCHS]),
        ({"steps_per_epoch": np.int64(2)}, [BATCHES]),
        # A checkpoint of another step.
        ({"passed": 1}, [DATA]),
        ({"initial_epoch": 0}, []),
    ],
)
def test_other_arguments_are_told(model, options, expected):
    assert differences(start(model, **options), start(model)) == expected


def test_other_steps_are_told(model):
    expected = start(model)
    model.optimizer.iterations.assign(5)
    assert differences(start(model), expected) == [STEPS]


def test_data_that_do_not_know_what_they_are_pass(model):
    import tensorflow as tf

    data = tf.data.Dataset.range(4).batch(2)
    assert start(model, data)[2:] == [2, start(model)[WEIGHTS], 0]
    assert start(model, data.filter(lambda x: True))[BATCHES] == -1
