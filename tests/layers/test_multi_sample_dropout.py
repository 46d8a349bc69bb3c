"""Several dropouts of each row."""

import numpy as np
import pytest

from semmatch.layers import MultiSampleDropout
from tests.checks import to_numpy


def test_each_row_gets_its_samples_side_by_side():
    rows = np.arange(1.0, 3.0)[:, None] * np.ones((2, 2000), "float32")
    dropped = to_numpy(MultiSampleDropout(0.5, 3, seed=0)(rows, training=True))
    assert dropped.shape == (6, 2000)
    for place, row in enumerate(dropped):
        expected = 2.0 * (1 + place // 3)
        assert set(row.tolist()) == {0.0, expected}
        assert np.mean(row == 0) == pytest.approx(0.5, abs=0.05)
    assert not (dropped[0] == dropped[1]).all()


def test_outside_training_rows_stay():
    rows = np.ones((2, 5), "float32")
    layer = MultiSampleDropout(0.5, samples=3)
    np.testing.assert_array_equal(to_numpy(layer(rows)), rows)


@pytest.mark.parametrize("samples", [0, 1.5])
def test_samples_are_a_count(samples):
    with pytest.raises(ValueError, match="`samples` must be an integer"):
        MultiSampleDropout(0.1, samples)
