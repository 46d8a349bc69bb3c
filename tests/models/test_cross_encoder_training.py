"""Training and evaluation of a tiny cross-encoder, against numpy."""

import keras
import numpy as np
import pytest

from semmatch import Scoring
from semmatch.data import pair_dataset
from semmatch.losses import RDrop
from semmatch.metrics import F1
from semmatch.models import CrossEncoder
from semmatch.models import raw_texts
from semmatch.models import TextEncoder
from semmatch.training import AdamW
from tests.checks import small_model
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import tiny_preprocessor
from tests.checks import to_numpy
from tests.checks import toy_pairs


def cross_entropy(logits, label):
    logits = logits.astype("float64")
    if logits.shape[1] == 1:
        logits = np.hstack([np.zeros_like(logits), logits])
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(shares[np.arange(len(label)), label])


@pytest.mark.parametrize("num_classes", [1, 2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_cross_entropy(num_classes, weighted):
    model = small_model(num_classes=num_classes)
    pairs = toy_pairs(30, max(num_classes, 2))
    losses = cross_entropy(model.predict(pairs, verbose=0), pairs.label)
    weight = np.linspace(0, 2, 30) if weighted else np.ones(30)
    loss = model.evaluate(
        (pairs.text_a, pairs.text_b),
        pairs.label,
        sample_weight=weight if weighted else None,
        verbose=0,
        return_dict=True,
    )["loss"]
    np.testing.assert_allclose(loss, (weight * losses).mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("num_classes", "scoring"),
    [
        (1, None),
        (1, Scoring("sigmoid", temperature=2.0, bias=-0.5)),
        (2, None),
        (3, Scoring("softmax", temperature=3.0)),
    ],
)
def test_metrics_read_scores(num_classes, scoring):
    model = small_model(num_classes=num_classes, scoring=scoring)
    pairs = toy_pairs(48, max(num_classes, 2))
    # So that a threshold of logits at 0.5 decides otherwise; no two classes
    # have the same median, which might be a tie.
    logits = model.predict(pairs, verbose=0)
    bias = model.get_layer("head").bias
    shift = 0.3 + 0.01 * np.arange(num_classes) - np.median(logits, axis=0)
    bias.assign(bias + shift)
    metrics = ["accuracy", F1(num_classes=max(num_classes, 2))]
    if num_classes < 3:
        metrics.append(keras.metrics.AUC(num_thresholds=5000, name="auc"))
    model.compile(metrics=metrics)
    result = model.evaluate(pairs, verbose=0, return_dict=True)

    scores, label = model.score(pairs), pairs.label
    predicted = scores.argmax(axis=1) if num_classes == 3 else scores > 0.5
    assert result["accuracy"] == pytest.approx(np.mean(predicted == label))
    f1 = [
        2
        * np.sum((predicted == k) & (label == k))
        / max(1, np.sum(predicted == k) + np.sum(label == k))
        for k in range(max(num_classes, 2))
    ]
    expected = np.mean(f1) if num_classes == 3 else f1[1]
    assert result["f1"] == pytest.approx(expected)
    if num_classes < 3:
        gaps = scores[label == 1][:, None] - scores[label == 0]
        auc = np.mean((gaps > 0) + 0.5 * (gaps == 0))
        assert result["auc"] == pytest.approx(auc, abs=5e-3)


@pytest.mark.slow
def test_every_form_of_the_data_trains_alike():
    pairs = toy_pairs()
    weights = []
    for form in ("texts", "Pairs", "dataset"):
        model = small_model()
        keras.utils.set_random_seed(3)
        if form == "texts":
            x, y = (pairs.text_a, np.array(pairs.text_b)), pairs.label
        else:
            x, y = pairs, None
        if form == "dataset":
            seed = raw_texts.random.randrange(2**31)
            x = pair_dataset(
                pairs,
                model.preprocessor,
                batch_size=16,
                shuffle=True,
                seed=seed,
            )
        history = model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        assert len(history.history["loss"]) == 2
        weights.append(model.get_weights())
    for other in weights[1:]:
        for one, two in zip(weights[0], other, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-6)
    assert np.abs(weights[0][0] - small_model().get_weights()[0]).max() > 0


@pytest.mark.slow
def test_raw_texts_are_shuffled_for_training_and_sorted_for_evaluation(
    monkeypatch,
):
    asked = []

    def spy(*args, **kwargs):
        asked.append((kwargs["shuffle"], kwargs["sort"], kwargs["batch_size"]))
        return pair_dataset(*args, **kwargs)

    monkeypatch.setattr(raw_texts, "pair_dataset", spy)
    model, pairs = small_model(), toy_pairs()
    model.fit(pairs, validation_data=pairs, verbose=0)
    model.evaluate(pairs, batch_size=16, verbose=0)
    model.predict(pairs, batch_size=16, verbose=0)
    assert asked == [
        (True, False, 64),
        (False, True, 64),
        (False, True, 16),
        (False, False, 16),
    ]


@pytest.mark.slow
def test_validation_data_in_each_form_is_evaluated():
    model, pairs = small_model(), toy_pairs()
    valid = toy_pairs(16, seed=1)
    both = (valid.text_a, valid.text_b)
    weight = np.linspace(0, 1, 16)
    model.compile("sgd")
    for form, sample_weight in [
        ((both, valid.label), None),
        ((both, valid.label, weight), weight),
        (valid, None),
        (pair_dataset(valid, model.preprocessor), None),
    ]:
        history = model.fit(pairs, validation_data=form, verbose=0).history
        expected = model.evaluate(
            both,
            valid.label,
            sample_weight=sample_weight,
            verbose=0,
            return_dict=True,
        )
        for name, value in expected.items():
            assert history[f"val_{name}"][0] == pytest.approx(value, rel=1e-5)


def test_pairs_of_weight_zero_teach_nothing():
    pairs = toy_pairs()
    biases = []
    for factor in (0.0, 1.0):
        model = small_model()
        model.compile(AdamW(0.01))
        model.fit(
            (pairs.text_a, pairs.text_b),
            pairs.label,
            sample_weight=np.full(32, factor),
            verbose=0,
        )
        biases.append(model.get_layer("head").bias)  # which does not decay
    start = small_model().get_layer("head").bias
    np.testing.assert_array_equal(biases[0], start)
    assert np.abs(np.array(biases[1]) - np.array(start)).max() > 1e-3


@pytest.mark.parametrize(
    "num_classes", [1, pytest.param(3, marks=pytest.mark.slow)]
)
def test_an_easy_task_is_learnt(num_classes):
    keras.utils.set_random_seed(0)
    encoder = TextEncoder(64, 1, 2, 16, 16, max_sequence_length=16)
    model = CrossEncoder(
        encoder, tiny_preprocessor(), num_classes=num_classes, pooling="mean"
    )
    pairs = toy_pairs(64, max(2, num_classes))
    model.compile(AdamW(0.02))
    model.fit(pairs, epochs=15, batch_size=32, verbose=0)
    result = model.evaluate(pairs, verbose=0, return_dict=True)
    assert result["accuracy"] == 1
    assert result["loss"] < 0.3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights():
    runs = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        encoder = tiny_encoder(num_layers=1)
        model = CrossEncoder(encoder, tiny_preprocessor())
        model.fit(toy_pairs(), batch_size=16, verbose=0)
        runs.append(model.get_layer("head").get_weights()[0])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


@pytest.mark.slow
def test_early_stopping_on_f1_restores_the_best_epoch():
    model, pairs = small_model(), toy_pairs()
    head = model.get_layer("head")
    head.kernel.assign(np.zeros(head.kernel.shape))
    biases = [-9.0, 9.0, -9.0, -9.0, -9.0]  # F1 of 0, 2/3, 0, 0

    class SetBias(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            head.bias.assign([biases[epoch]])

    model.compile(AdamW(1e-6), metrics=[F1()])
    stop = keras.callbacks.EarlyStopping(
        "val_f1", mode="max", patience=2, restore_best_weights=True
    )
    history = model.fit(
        pairs,
        validation_data=pairs,
        epochs=5,
        callbacks=[SetBias(), stop],
        verbose=0,
    ).history
    np.testing.assert_allclose(history["val_f1"], [0, 2 / 3, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(head.get_weights()[1], [9.0], atol=1e-3)


def test_mixed_bfloat16_trains_and_scores_in_float32():
    encoder = tiny_encoder(num_layers=1, dtype="mixed_bfloat16")
    model = tiny_model(encoder)
    before = encoder.get_weights()[0]
    model.fit(toy_pairs(), verbose=0)
    assert {v.dtype for v in model.trainable_weights} == {"float32"}
    assert np.abs(encoder.get_weights()[0] - before).max() > 0
    scores = model.score(toy_pairs(5))
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("num_classes", [1, 3])
@pytest.mark.parametrize(
    ("samples", "loss"), [(3, None), (1, RDrop(2.0)), (2, RDrop(2.0))]
)
def test_a_pair_has_several_logits_in_training(num_classes, samples, loss):
    model = tiny_model(num_classes=num_classes, dropout_samples=samples)
    model.compile(loss=loss or "auto")
    pairs = toy_pairs(8, max(num_classes, 2))
    features = model.preprocessor.pack(pairs.text_a, pairs.text_b)
    passes = 2 if loss else 1
    logits = to_numpy(model(features, training=True))
    assert logits.shape == (8, passes * samples, num_classes)
    assert np.ptp(logits, axis=1).mean() > 0.01  # other dropouts
    assert model(features).shape == (8, num_classes)


def test_samples_are_of_their_own_pair():
    options = {"dropout": 0.0, "attention_dropout": 0.0}
    model = tiny_model(tiny_encoder(**options), dropout=0.0, dropout_samples=3)
    model.compile(loss=RDrop())
    pairs = toy_pairs(8)
    features = model.preprocessor.pack(pairs.text_a, pairs.text_b)
    expected = to_numpy(model(features))
    assert np.unique(expected).size > 2
    logits = to_numpy(model(features, training=True))
    np.testing.assert_allclose(
        logits, np.repeat(expected[:, None], 6, axis=1), atol=1e-5
    )


def test_r_drop_alone_passes_the_encoder_twice():
    model = tiny_model(dropout=0.0)  # of the head; the encoder's own remains
    pairs = toy_pairs(8)
    features = model.preprocessor.pack(pairs.text_a, pairs.text_b)
    model.compile(loss=RDrop())
    logits = to_numpy(model(features, training=True))
    assert np.abs(logits[:, 0] - logits[:, 1]).min() > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model_options", "loss"),
    [({"dropout_samples": 3}, None), ({}, RDrop(1.0, label_smoothing=0.1))],
)
def test_samples_train_and_are_evaluated_once(model_options, loss):
    keras.utils.set_random_seed(0)
    model = tiny_model(**model_options)
    model.compile(AdamW(0.03), loss or "auto")
    pairs = toy_pairs(64)
    history = model.fit(
        pairs, validation_data=pairs, epochs=8, batch_size=16, verbose=0
    ).history
    assert history["val_accuracy"][-1] == 1
    assert history["accuracy"][-1] > 0.8
    logits = model.predict(pairs, verbose=0)
    assert logits.shape == (64, 1)
    targets = cross_entropy(logits, pairs.label)
    if loss is not None:
        other = cross_entropy(logits, 1 - pairs.label)
        targets = 0.95 * targets + 0.05 * other
    assert model.evaluate(pairs, verbose=0)[0] == pytest.approx(
        targets.mean(), rel=1e-4
    )


def test_samples_need_a_loss_that_takes_them():
    model = tiny_model(dropout_samples=3)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    with pytest.raises(ValueError, match="a pair has several logits"):
        model.compile(loss=loss)
