"""What callbacks know of a training, and that epochs have their batches."""

import keras
import numpy as np
import pytest

from semmatch.data import pair_dataset
from semmatch.training.run import batch_order
from semmatch.training.run import DataPosition
from semmatch.training.run import num_batches
from semmatch.training.run import RunCallback
from semmatch.training.run import training_run
from tests.training import toy_training as toy


def run_of(data, **options):
    model = keras.Sequential([keras.layers.Dense(1)])
    return training_run(model, data, None, options)


def test_the_order_is_found_behind_what_keeps_batches():
    import tensorflow as tf

    dataset = pair_dataset(toy.PAIRS, toy.PREPROCESSOR)
    kept = (
        dataset.map(lambda *batch: batch)
        .map(lambda *batch: batch, num_parallel_calls=2)
        .prefetch(2)
        .repeat()
        .with_options(tf.data.Options())
        .apply(tf.data.experimental.assert_cardinality(7))
    )
    assert batch_order(kept) is dataset.batch_order
    for changed in (
        dataset.skip(1),
        dataset.shuffle(4),
        dataset.unbatch().batch(3),
        tf.data.Dataset.zip(dataset, dataset),
    ):
        assert batch_order(changed) is None
    assert batch_order(None) is None


def test_batches_are_counted_where_there_is_a_number():
    import tensorflow as tf

    dataset = tf.data.Dataset.range(10)
    assert num_batches(dataset.batch(4)) == 3
    assert num_batches(dataset.repeat()) is None
    assert num_batches(dataset.filter(lambda x: x > 3)) is None
    assert num_batches(np.zeros(3)) is None


def test_batches_have_numbers_over_all_epochs():
    run = run_of(toy.toy_data(), epochs=7, initial_epoch=2)
    assert (run.first_epoch, run.epochs, run.steps) == (2, 7, toy.STEPS)
    assert run.number(3, 4) == 3 * toy.STEPS + 4
    run.passed = 2
    assert run.batch(2, 1) == 3
    assert run.batch(2, 7) == toy.STEPS - 1  # of several steps in one
    assert run.batch(3, 1) == 1
    assert run.number(2, 0) == 2 * toy.STEPS + 2


def test_steps_of_an_epoch_may_be_others_than_the_data_have():
    run = run_of(toy.toy_data().repeat(), steps_per_epoch=3)
    assert run.steps == 3
    assert run.is_one_iteration
    assert not run_of(toy.toy_data()).is_one_iteration


def test_data_that_were_iterated_before_go_on():
    data = toy.toy_data()
    list(data)
    run = run_of(data, initial_epoch=3)
    # The next epoch of the data is the third of the training.
    assert run.start + run.number(3, 0) == toy.STEPS


def test_data_without_end_and_without_steps_have_no_order():
    run = run_of(toy.toy_data().repeat())
    assert run.order is None
    assert run.kept is None


@pytest.mark.parametrize("steps_per_epoch", [None, 3])
def test_each_epoch_begins_with_its_batches(steps_per_epoch):
    data = toy.toy_data()
    run = run_of(data, steps_per_epoch=steps_per_epoch)
    position = DataPosition(run)
    position.on_epoch_begin(0)
    assert run.order.next_batch == 0
    list(data)  # somebody looks
    list(data)
    position.on_epoch_begin(1)
    # With steps one iteration goes on through all epochs.
    expected = toy.STEPS if steps_per_epoch is None else 2 * toy.STEPS
    assert run.order.next_batch == expected


class Looks(keras.callbacks.Callback):
    """Iterates what is trained on, as an evaluation of it would."""

    def __init__(self, data):
        super().__init__()
        self.data = data

    def on_epoch_begin(self, epoch, logs=None):
        list(self.data)


def test_who_looks_at_the_data_does_not_change_the_training():
    values = []
    for callbacks in ([], [Looks]):
        keras.utils.set_random_seed(3)
        model, data = toy.toy_model(), toy.toy_data()
        toy.fit(model, data, *(one(data) for one in callbacks))
        values.append(toy.all_values(model))
    for one, other in zip(*values, strict=True):
        np.testing.assert_array_equal(one, other)


def test_callbacks_are_prepared_in_order_and_bring_others():
    prepared = []

    class Noting(RunCallback):
        def prepare(self, run):
            prepared.append((self, run.model, run.options["epochs"]))

    one, two = Noting(), Noting()
    batches = toy.Batches()
    one.companions = (batches,)
    model = toy.toy_model()
    toy.fit(model, toy.toy_data(), one, two, epochs=1)
    assert prepared == [(one, model, 1), (two, model, 1)]
    assert len(batches.seen) == toy.STEPS
