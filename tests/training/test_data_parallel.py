"""On JAX two devices train as one does."""

import importlib.util
import types

import keras
import pytest

from semmatch.data import pair_dataset
from semmatch.training.data_parallel import check_shared_out
from tests import checks
from tests.training import data_parallel

needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="needs JAX"
)


@pytest.fixture(scope="module")
def found():
    return data_parallel.run()


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["logits", "vectors", "distilled"])
def test_two_devices_train_as_one(found, kind):
    assert found[kind]["devices"] == 2
    assert found[kind]["moved"] > 0.01
    assert found[kind]["apart"] < 1e-5


@pytest.fixture
def two_devices(monkeypatch):
    parallel = types.SimpleNamespace(num_model_replicas=2)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    monkeypatch.setattr(keras.distribution, "distribution", lambda: parallel)


def dataset(rows, batch_size):
    return pair_dataset(
        checks.toy_pairs(rows),
        checks.tiny_preprocessor(),
        batch_size=batch_size,
    ).map(lambda *batch: batch)


@pytest.mark.parametrize(
    ("rows", "batch_size", "received"),
    [
        (37, 16, "37 rows in batches of 16, and so a batch of 5.*1 rows out"),
        (36, 9, "36 rows in batches of 9, and so a batch of 9"),
        (5, 16, r"5 rows in batches of 16, and so a batch of 5.*pairs\[: 4\]"),
    ],
)
def test_batches_that_devices_cannot_share_are_refused(
    two_devices, rows, batch_size, received
):
    message = f"On JAX 2 devices share a batch evenly.* Received: {received}"
    with pytest.raises(ValueError, match=message):
        check_shared_out(dataset(rows, batch_size))


@pytest.mark.parametrize(("rows", "batch_size"), [(32, 16), (38, 16), (6, 16)])
def test_batches_that_devices_share_pass(two_devices, rows, batch_size):
    check_shared_out(dataset(rows, batch_size))


def test_one_device_takes_any_batch(monkeypatch):
    check_shared_out(dataset(37, 16))  # on TensorFlow
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    monkeypatch.setattr(keras.distribution, "distribution", lambda: None)
    check_shared_out(dataset(37, 16))


def test_what_does_not_know_its_batches_is_left_to_jax(two_devices):
    import tensorflow as tf

    check_shared_out(tf.data.Dataset.range(3).batch(3))
    check_shared_out(None)


@checks.tensorflow_only
@pytest.mark.parametrize("rows", [(37, 32), (32, 37)])
def test_fit_looks_at_the_data_before_it_begins(rows, two_devices):
    model = checks.small_model()
    train, validation = (dataset(count, 16) for count in rows)
    with pytest.raises(ValueError, match="On JAX 2 devices share a batch"):
        model.fit(train, validation_data=validation, verbose=0)
