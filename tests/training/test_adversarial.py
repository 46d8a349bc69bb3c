"""The fast gradient method against gradients taken by hand."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from semmatch.training.adversarial import check_attackable
from tests import checks
from tests.checks import tensorflow_only
from tests.checks import to_numpy


def quiet_model():
    return checks.tiny_model(
        checks.tiny_encoder(dropout=0.0, attention_dropout=0.0), dropout=0.0
    )


def batch(model, rows=16):
    pairs = checks.toy_pairs(rows)
    return model.preprocessor.pack(pairs.text_a, pairs.text_b), pairs.label


def gradients(model, features, label):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        logits = model(features, training=True)
        loss = model.compute_loss(features, label, logits)
    found = tape.gradient(loss, model.trainable_variables)
    return [np.array(tf.convert_to_tensor(gradient)) for gradient in found]


@tensorflow_only
@pytest.mark.parametrize("epsilon", [0.01, 2.0])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_step_is_that_of_both_gradients(epsilon, compiled):
    model = quiet_model()
    features, label = batch(model)
    model.compile(keras.optimizers.SGD(0.1))
    plain = gradients(model, features, label)
    before = [to_numpy(variable) for variable in model.trainable_variables]
    place = [v.path for v in model.trainable_variables].index(
        "token_embedding/embeddings"
    )
    table = model.trainable_variables[place]
    move = epsilon * plain[place] / np.linalg.norm(plain[place])
    table.assign(before[place] + move)
    attacked = gradients(model, features, label)
    table.assign(before[place])
    difference = np.abs(attacked[-2] - plain[-2]).max()
    assert difference > 1e-4 * epsilon

    model.compile(
        keras.optimizers.SGD(0.1),
        adversarial_epsilon=epsilon,
        run_eagerly=not compiled,
    )
    expected_loss = model.test_on_batch(features, label)[0]
    loss = model.train_on_batch(features, label)[0]
    np.testing.assert_allclose(loss, expected_loss, atol=1e-5)
    for variable, start, one, two in zip(
        model.trainable_variables, before, plain, attacked, strict=True
    ):
        np.testing.assert_allclose(
            to_numpy(variable), start - 0.1 * (one + two), atol=1e-5
        )


@tensorflow_only
def test_rows_that_the_batch_lacks_stay_to_the_bit():
    model = quiet_model()
    model.compile(keras.optimizers.SGD(0.1), adversarial_epsilon=1.0)
    table = model.backbone.get_layer("token_embedding").embeddings
    before = to_numpy(table)
    features, label = batch(model)
    model.train_on_batch(features, label)
    absent = np.setdiff1d(np.arange(64), features["token_ids"])
    np.testing.assert_array_equal(to_numpy(table)[absent], before[absent])


@tensorflow_only
@pytest.mark.parametrize("epsilon", [0.0, -1.0])
def test_the_size_is_checked(epsilon):
    with pytest.raises(ValueError, match="`adversarial_epsilon` must be above"):
        quiet_model().compile(adversarial_epsilon=epsilon)


@tensorflow_only
def test_a_step_is_either_this_one_or_in_parts():
    with pytest.raises(ValueError, match="exclude each other"):
        quiet_model().compile(adversarial_epsilon=1.0, micro_batch_size=4)


@tensorflow_only
def test_frozen_embeddings_are_refused():
    model = quiet_model()
    model.backbone.get_layer("token_embedding").trainable = False
    with pytest.raises(ValueError, match="`TextEncoder` has frozen it"):
        model.compile(adversarial_epsilon=1.0)


@tensorflow_only
def test_embeddings_with_lora_are_refused():
    model = quiet_model()
    model.backbone.get_layer("token_embedding").enable_lora(2)
    with pytest.raises(ValueError, match="`TextEncoder` has frozen it"):
        model.compile(adversarial_epsilon=1.0)


@tensorflow_only
def test_a_gradient_of_the_whole_table_will_do():
    model = quiet_model()
    model.compile(keras.optimizers.SGD(0.1), adversarial_epsilon=1.0)
    embedding = model.backbone.get_layer("token_embedding")
    embedding.embeddings_regularizer = keras.regularizers.L2(0.1)
    embedding.embeddings.regularizer = embedding.embeddings_regularizer
    before = to_numpy(embedding.embeddings)
    model.train_on_batch(*batch(model))
    # Rows that the batch lacks shrink by the regulariser, in both passes.
    absent = np.setdiff1d(np.arange(64), batch(model)[0]["token_ids"])
    np.testing.assert_allclose(
        to_numpy(embedding.embeddings)[absent] / before[absent],
        1 - 0.1 * 2 * 0.1 * 2,
        atol=0.05,
    )


@tensorflow_only
def test_another_encoder_is_refused():
    inputs = keras.Input((3,))
    other = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with pytest.raises(ValueError, match="`Functional` has none"):
        check_attackable(other, 1.0, None)


@tensorflow_only
def test_replicas_are_refused(monkeypatch):
    import tensorflow as tf

    model = quiet_model()
    model.compile(adversarial_epsilon=1.0)
    two = SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: two)
    with pytest.raises(ValueError, match="replicas cannot do"):
        model.train_step(batch(model))


@pytest.mark.skipif(
    keras.config.backend() == "tensorflow", reason="other backends alone"
)
def test_other_backends_are_told():
    with pytest.raises(ValueError, match="needs the TensorFlow backend"):
        quiet_model().compile(adversarial_epsilon=1.0)
