"""The schedule at its corners, and against BERT's formula."""

import numpy as np
import pytest

from semmatch.training import LinearWarmup
from tests.checks import json_round_trip


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


@pytest.mark.parametrize("total", [10, 100, 337])
@pytest.mark.parametrize("warmup", [0.1, 0.25, 0.5])
def test_it_rises_in_a_line_and_falls_in_a_line(total, warmup):
    rising = round(total * warmup)
    expected = [(step + 1) / rising for step in range(rising)]
    expected += [
        (total - step) / (total - rising) for step in range(rising, total + 1)
    ]
    schedule = LinearWarmup(3e-5, total, warmup)
    np.testing.assert_allclose(
        rates(schedule, range(total + 1)),
        3e-5 * np.array(expected),
        rtol=1e-5,
        atol=1e-12,
    )


def test_without_warmup_it_starts_at_the_peak():
    schedule = LinearWarmup(1.0, total_steps=5, warmup=0)
    np.testing.assert_allclose(
        rates(schedule, range(6)), [1, 1, 0.75, 0.5, 0.25, 0], atol=1e-6
    )


def test_one_step_trains():
    assert rates(LinearWarmup(0.5, total_steps=1), [0]) == [0.5]


def test_after_the_end_it_is_zero():
    schedule = LinearWarmup(1.0, total_steps=10)
    assert rates(schedule, [10, 11, 1000]) == [0, 0, 0]


def test_a_tenth_of_the_steps_rises_by_default():
    assert np.argmax(rates(LinearWarmup(1.0, 100), range(100))) == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 10), "`peak` must be above 0. Received: peak=0"),
        ((-1.0, 10), "Received: peak=-1.0"),
        ((float("nan"), 10), "Received: peak=nan"),
        ((1.0, 0), "`total_steps` must be at least 1.*total_steps=0"),
        ((1.0, 10, 1.0), r"`warmup` must be in \[0, 1\).*warmup=1.0"),
        ((1.0, 10, -0.1), "Received: warmup=-0.1"),
    ],
)
def test_other_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LinearWarmup(*arguments)


def test_the_config_gives_the_same_schedule_back():
    schedule = LinearWarmup(1e-3, 12, warmup=0.4)
    again = json_round_trip(schedule)
    assert again.get_config() == {
        "peak": 1e-3,
        "total_steps": 12,
        "warmup": 0.4,
    }
    assert rates(again, range(12)) == rates(schedule, range(12))
