"""The pieces that training steps are made of."""

import keras
import pytest

from semmatch.training.gradients import is_mean


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("mse", True),
        (None, True),
        (keras.losses.Huber(), True),
        (keras.losses.Huber(reduction="mean"), True),
        (keras.losses.Huber(reduction="sum"), False),
        (keras.losses.Huber(reduction="mean_with_sample_weight"), False),
        ({"a": "mse", "b": keras.losses.Huber(reduction="sum")}, False),
    ],
)
def test_a_loss_that_is_a_mean_over_rows(loss, expected):
    assert is_mean(loss) is expected
