"""Workers that would train apart are told so."""

import numpy as np
import pytest

from semmatch.training.same_start import check_alike


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (0, "steps trained 8, 9, 8, one for each replica"),
        (1, "batches of an epoch 8, 9, 8, one for each replica"),
        (2, "checksum of the weights 8, 9, 8, one for each replica"),
    ],
)
def test_what_differs_is_told(place, message):
    found = np.full((3, 3), 8.0)
    check_alike(found)
    found[1, place] = 9
    with pytest.raises(ValueError, match=f"begin alike.*Received: {message}"):
        check_alike(found)
