"""All of a training is read and set again."""

import json
import random

import keras
import numpy as np
import pytest

from semmatch.training.training_state import read_callbacks
from semmatch.training.training_state import read_random
from semmatch.training.training_state import read_variables
from semmatch.training.training_state import write_callbacks
from semmatch.training.training_state import write_random
from semmatch.training.training_state import write_variables
from tests.training import toy_training as toy


@pytest.fixture(scope="module")
def trained():
    model = toy.toy_model()
    toy.fit(model, toy.toy_data(), epochs=1)
    return model


def test_variables_have_seeds_averages_and_metrics(trained):
    arrays = read_variables(trained)
    paths = [variable.path for variable in trained.variables]
    assert sum("seed" in path for path in paths) == 1
    # Embedding, kernel and bias; two moments and an average of each, the
    # step and the learning rate.
    assert sum(name.startswith("model/") for name in arrays) == 3 + 1
    assert sum(name.startswith("optimizer/") for name in arrays) == 9 + 2
    assert sum(name.startswith("metrics/") for name in arrays) == 2 + 2


def test_another_model_gets_the_values(trained):
    arrays = read_variables(trained)
    other = toy.toy_model()
    toy.fit(other, toy.toy_data(), epochs=2)
    write_variables(other, arrays, ("model", "optimizer", "metrics"))
    toy.assert_same_values(trained, other)
    for name, array in read_variables(other).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_other_parts_stay(trained):
    other = toy.toy_model()
    other.optimizer.build(other.trainable_variables)
    write_variables(other, read_variables(trained), ("optimizer",))
    assert int(other.optimizer.iterations) == toy.STEPS
    kernel = other.layers[-1].kernel
    assert not np.array_equal(kernel, trained.layers[-1].kernel)


def test_other_variables_are_refused(trained):
    other = toy.toy_model(metrics=["accuracy", "mse"])
    toy.fit(other, toy.toy_data(), epochs=1)
    message = "has 6 variables of the metrics, and the training has 4"
    with pytest.raises(ValueError, match=message):
        write_variables(trained, read_variables(other), ("metrics",))


def test_random_numbers_go_on():
    random.gauss(0, 1)
    np.random.normal()
    state = json.loads(json.dumps(read_random()))

    def draw():
        return [
            random.random(),
            random.gauss(0, 1),
            *np.random.normal(size=3),
            np.random.rand(),
        ]

    expected = draw()
    draw()
    write_random(state)
    assert draw() == expected


class Own(keras.callbacks.Callback):
    """A callback of a user's, with a state of every kind."""

    remembered = ("count", "arrays", "figures", "missing")

    def __init__(self):
        super().__init__()
        self.count, self.arrays, self.figures, self.missing = 0, [], {}, 1
        self.other = 0


def round_trip(before, after):
    arrays, values = read_callbacks(before)
    write_callbacks(after, arrays, json.loads(json.dumps(values)))


def test_callbacks_remember_what_they_name():
    one, other = Own(), Own()
    one.count = np.float32(0.1)
    one.arrays = [np.arange(3), np.ones((2, 2), "float32")]
    one.figures = {"loss": [0.5, float("inf")], "array": np.arange(2)}
    one.missing = None
    one.other = 3
    round_trip([Own(), one], [Own(), other])
    assert other.count == np.float32(0.1)
    assert other.missing is None
    assert other.other == 0
    assert other.arrays[1].dtype == "float32"
    for a, b in zip(other.arrays, one.arrays, strict=True):
        np.testing.assert_array_equal(a, b)
    assert other.figures["loss"] == [0.5, float("inf")]
    np.testing.assert_array_equal(other.figures["array"], np.arange(2))


def test_keys_and_tuples_stay_what_they_are():
    one, other = Own(), Own()
    one.figures = {0: (1, [2, (np.arange(2),)]), (1, "b"): {}}
    round_trip([one], [other])
    assert list(other.figures) == [0, (1, "b")]
    first, [second, [array]] = other.figures[0]
    assert (first, second) == (1, 2)
    assert type(other.figures[0]) is type(other.figures[0][1][1]) is tuple
    assert array.tolist() == [0, 1]


def test_what_cannot_be_kept_is_named():
    own = Own()
    own.figures = {"seen": {1, 2}}
    message = "What `Own.remembered` names must.*figures={'seen': {1, 2}}"
    with pytest.raises(TypeError, match=message):
        read_callbacks([own])


def test_callbacks_that_are_new_begin_anew():
    one, new = Own(), Own()
    one.count = 5
    round_trip([one], [keras.callbacks.TerminateOnNaN(), Own(), new])
    assert new.count == 0


@pytest.mark.parametrize(
    "build, state",
    [
        (
            lambda: keras.callbacks.EarlyStopping(restore_best_weights=True),
            {
                "wait": 2,
                "stopped_epoch": 0,
                "best": 0.25,
                "best_epoch": 4,
                "best_weights": [np.arange(3.0)],
            },
        ),
        (
            keras.callbacks.ReduceLROnPlateau,
            {"wait": 1, "best": 0.5, "cooldown_counter": 3},
        ),
        (
            lambda: keras.callbacks.ModelCheckpoint("x.keras", save_freq=7),
            {
                "best": 0.5,
                "_batches_seen_since_last_saving": 3,
                "_last_batch_seen": 9,
            },
        ),
        (
            keras.callbacks.History,
            {"epoch": [0, 1], "history": {"loss": [0.5, 0.25]}},
        ),
    ],
)
def test_callbacks_of_keras_remember_their_state(build, state):
    one, other = build(), build()
    vars(one).update(state)
    round_trip([one], [other])
    for name, value in state.items():
        np.testing.assert_equal(getattr(other, name), value)
