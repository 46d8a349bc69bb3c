"""A batch in parts trains as the whole batch does."""

import keras
import numpy as np
import pytest

from semmatch import load_model
from semmatch.data import pair_dataset
from semmatch.training.microbatch import check_splittable
from tests import checks
from tests.checks import tensorflow_only
from tests.checks import to_numpy
from tests.training import two_replicas


def quiet_model():
    """Nothing random, in training either."""
    return checks.tiny_model(
        checks.tiny_encoder(dropout=0.0, attention_dropout=0.0), dropout=0.0
    )


def trained(
    micro_batch_size,
    rows=64,
    weighted=False,
    model=None,
    batch_size=64,
    **options,
):
    """Weights after three epochs, and what the epochs returned."""
    model = model or quiet_model()
    before = [to_numpy(variable) for variable in model.trainable_variables]
    options.setdefault("optimizer", keras.optimizers.SGD(0.1))
    model.compile(micro_batch_size=micro_batch_size, **options)
    pairs = checks.toy_pairs(rows)
    weight = np.linspace(0, 2, rows) if weighted else None
    data = pair_dataset(
        pairs,
        model.preprocessor,
        batch_size=batch_size,
        sample_weight=weight,
    )
    history = model.fit(data, epochs=3, verbose=0).history
    after = [to_numpy(variable) for variable in model.trainable_variables]
    moved = [np.abs(a - b).max() for a, b in zip(before, after, strict=True)]
    assert max(moved) > 0.01
    return after, history


def assert_same(one, other):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert one[1].keys() == other[1].keys()
    for name, values in one[1].items():
        np.testing.assert_allclose(values, other[1][name], atol=1e-5)


@tensorflow_only
@pytest.mark.parametrize(
    ("rows", "size"),
    [
        pytest.param(64, 16, marks=pytest.mark.slow),
        (50, 16),
        (3, 16),
        pytest.param(50, 1000, marks=pytest.mark.slow),
    ],
)
def test_parts_add_up_to_the_batch(rows, size):
    assert_same(trained(size, rows), trained(None, rows))


@tensorflow_only
def test_a_batch_of_known_size_may_be_cut():
    model = quiet_model()
    model.compile(keras.optimizers.SGD(0.1), micro_batch_size=3)
    pairs = checks.toy_pairs(8)
    features = model.preprocessor.pack(pairs.text_a, pairs.text_b)
    expected = model.test_on_batch(features, pairs.label)
    loss = model.train_on_batch(features, pairs.label)
    np.testing.assert_allclose(loss, expected, atol=1e-5)


@pytest.mark.slow
@tensorflow_only
def test_sample_weights_count_in_parts_too():
    expected = trained(None, 50, weighted=True)
    assert_same(trained(16, 50, weighted=True), expected)
    assert expected[1]["loss"] != trained(None, 50)[1]["loss"]


@pytest.mark.slow
@tensorflow_only
def test_clipping_and_moments_see_the_whole_batch():
    from semmatch.training import AdamW

    def optimizer():
        # An epsilon that a rounded gradient of zero does not reach.
        return AdamW(3e-2, global_clipnorm=0.1, epsilon=1e-3)

    assert_same(
        trained(16, optimizer=optimizer()), trained(None, optimizer=optimizer())
    )


@pytest.mark.slow
@tensorflow_only
@pytest.mark.parametrize("size", [8, 5])
def test_parts_add_up_under_two_replicas(size):
    # A replica gets 32 of 64 pairs.
    figures = two_replicas.run("--micro-batch-size", size)
    assert figures["moved"] > 0.01
    assert figures["apart"] < 1e-5


@pytest.mark.slow
@tensorflow_only
def test_parts_with_dropout_run_under_two_replicas():
    figures = two_replicas.run("--micro-batch-size", 8, "--dropout", 0.1)
    assert 1e-3 < figures["apart"] < 1


@tensorflow_only
def test_each_part_draws_its_own_dropout():
    model = checks.tiny_model(dropout=0.5, hidden_dim=32)
    pairs = checks.toy_pairs(1)
    features = model.preprocessor.pack(pairs.text_a * 4, pairs.text_b * 4)
    scores = []

    def record(y_true, y_pred):
        scores.append(to_numpy(y_pred).ravel())
        return y_pred

    model.compile(
        keras.optimizers.SGD(0.0),
        metrics=[record],
        micro_batch_size=1,
        run_eagerly=True,
    )
    model.train_on_batch(features, np.zeros(4))
    assert len(np.unique(scores[-1])) == 4


@pytest.mark.slow
@tensorflow_only
def test_a_regularisation_loss_counts_once():
    def losses(size):
        model = quiet_model()
        model.get_layer("head").kernel_regularizer = keras.regularizers.L2(1.0)
        return trained(size, 50, model=model)

    assert_same(losses(16), losses(None))


@pytest.mark.slow
@tensorflow_only
def test_several_steps_per_execution_are_the_same_steps():
    expected = trained(None, 200, batch_size=32)
    options = {"batch_size": 32, "steps_per_execution": 3}
    assert_same(trained(None, 200, **options), expected)
    assert_same(trained(8, 200, **options), expected)


@tensorflow_only
def test_a_saved_model_keeps_the_size(tmp_path):
    model = quiet_model()
    model.compile(micro_batch_size=5)
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").micro_batch_size == 5


class BatchLevel(keras.losses.Loss):
    batch_level = True

    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred) + 0 * y_pred[:, 0]


@tensorflow_only
@pytest.mark.parametrize(
    "loss", [BatchLevel(name="cosent"), keras.losses.Dice(name="cosent")]
)
def test_a_loss_that_compares_examples_is_refused(loss):
    message = (
        "`micro_batch_size` computes the loss on parts of a batch, but "
        "`cosent` compares all examples of a batch with each other"
    )
    with pytest.raises(ValueError, match=message):
        quiet_model().compile(loss=loss, micro_batch_size=16)


@tensorflow_only
def test_a_loss_that_is_no_mean_is_refused():
    loss = keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum")
    message = (
        r"needs a loss that is a mean over the batch.* Received: "
        r"`binary_crossentropy` with reduction='sum'"
    )
    with pytest.raises(ValueError, match=message):
        quiet_model().compile(loss=loss, micro_batch_size=16)


@tensorflow_only
@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_a_size_that_is_no_count_is_refused(size):
    with pytest.raises(ValueError, match="`micro_batch_size` must be"):
        quiet_model().compile(micro_batch_size=size)


@pytest.mark.skipif(
    keras.config.backend() == "tensorflow", reason="other backends alone"
)
def test_other_backends_are_told():
    with pytest.raises(ValueError, match="needs the TensorFlow backend"):
        quiet_model().compile(micro_batch_size=16)


@tensorflow_only
def test_the_loss_may_be_several():
    check_splittable([keras.losses.MeanSquaredError(), None])
    with pytest.raises(ValueError, match="`cosent` compares"):
        check_splittable({"a": None, "b": BatchLevel(name="cosent")})
