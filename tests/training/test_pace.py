"""Pairs are counted, and the seconds of steps."""

import pytest

from semmatch.training import pace as module
from semmatch.training.pace import Pace
from semmatch.training.run import training_run
from tests.training import toy_training as toy


def pace_of(data=None, **options):
    data = toy.toy_data() if data is None else data
    return Pace(training_run(toy.toy_model(), data, None, options))


def counted(pace, epoch, batches):
    pace.begin(epoch)
    return [pace.step(batch) for batch in batches]


def test_the_last_batch_of_an_epoch_has_fewer():
    pace = pace_of(epochs=2)
    assert (pace.unit, pace.total) == ("pair", 140)
    assert counted(pace, 0, range(5)) == [16, 16, 16, 16, 6]
    assert pace.done == 70
    assert counted(pace, 1, range(5)) == [16, 16, 16, 16, 6]
    assert (pace.done, pace.epoch_done) == (140, 70)


def test_several_steps_in_one_count_all_their_pairs():
    assert counted(pace_of(), 0, [2, 5]) == [48, 22]


def test_a_resumed_training_counts_from_where_it_goes_on():
    pace = pace_of(epochs=2, initial_epoch=1)
    pace.run.passed = 3
    assert counted(pace, 1, range(2)) == [16, 6]
    assert (pace.done, pace.epoch_done, pace.total) == (140, 22, 140)


def test_epochs_of_some_steps_go_over_the_end_of_the_data():
    pace = pace_of(toy.toy_data().repeat(), steps_per_epoch=4, epochs=2)
    assert counted(pace, 0, range(4)) == [16, 16, 16, 16]
    assert counted(pace, 1, range(4)) == [6, 16, 16, 16]
    assert pace.total == 118


@pytest.mark.parametrize("end", [True, False])
def test_of_other_data_batches_are_counted(end):
    import tensorflow as tf

    data = tf.data.Dataset.range(10).batch(4)
    if not end:
        data = data.filter(lambda batch: batch[0] >= 0)
    pace = pace_of(data, epochs=2)
    assert (pace.unit, pace.total) == ("batch", 6 if end else None)
    assert counted(pace, 0, range(3)) == [1, 1, 1]
    assert counted(pace, 1, range(2)) == [1, 1]
    assert pace.done == 5


def test_the_rate_is_of_the_steps_of_an_epoch(monkeypatch):
    times = iter([10.0, 12.0, 14.0, 100.0, 101.0])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(times))
    pace = pace_of()
    pace.begin(0)
    assert pace.rate == 0.0
    pace.step(0)
    pace.step(1)
    assert (pace.rate, pace.epoch_seconds) == (8.0, 4.0)
    pace.begin(1)
    pace.step(0)
    assert pace.rate == 16.0
