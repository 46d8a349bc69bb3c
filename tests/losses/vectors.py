"""Vectors to try losses on, and losses in all digits that there are."""

import keras
import numpy as np

from semmatch.losses import LossSum
from semmatch.losses import Matryoshka
from tests.checks import to_numpy

# JAX has float64 only where a whole process is set to it.
PRECISE = keras.config.backend() == "tensorflow"
DTYPE = "float64" if PRECISE else "float32"
TOLERANCE = 1e-6 if PRECISE else 2e-5


def embeddings(batch=6, texts=2, dim=5, seed=0):
    """Random vectors that float32 holds exactly, `(batch, texts, dim)`."""
    vectors = np.random.default_rng(seed).normal(size=(batch, texts, dim))
    return vectors.astype("float32").astype("float64")


def precise(loss, **changes):
    """A loss again, with other options, computed in float64 if possible."""
    config = {**loss.get_config(), **changes}
    if isinstance(loss, LossSum):
        parts = [precise(part, **changes) for part in loss.losses]
        return LossSum(parts, loss.weights)
    if isinstance(loss, Matryoshka):
        part = precise(loss.loss, **changes)
        return Matryoshka(part, loss.dims, loss.weights)
    return type(loss).from_config({**config, "dtype": DTYPE})


def values(loss, y_true, vectors, sample_weight=None):
    """The value of each example, precisely."""
    each = precise(loss, reduction="none")
    return to_numpy(each(y_true, vectors, sample_weight))


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)
