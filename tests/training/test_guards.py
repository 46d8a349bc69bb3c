"""Trainings that fail say why."""

import warnings

import keras
import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch import read_pairs
from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.metrics import F1
from semmatch.training import AdamW
from semmatch.training import LinearWarmup
from semmatch.training import TrainingGuard
from semmatch.training.callbacks import monitored
from semmatch.training.callbacks import validation_callbacks
from tests.checks import small_model
from tests.checks import tensorflow_only
from tests.checks import to_numpy
from tests.checks import toy_pairs

PAIRS = toy_pairs(64)
VALID = toy_pairs(48, seed=1)


def fit(model, pairs=PAIRS, validation_data=VALID, **kwargs):
    options = {"batch_size": 16, "epochs": 2, "verbose": 0, **kwargs}
    return model.fit(pairs, validation_data=validation_data, **options)


def compiled(rate=0.01, **kwargs):
    keras.utils.set_random_seed(0)
    model = small_model(**kwargs)
    model.compile(AdamW(rate))
    return model


def test_a_training_that_goes_well_is_silent():
    model = compiled()
    expected = model.evaluate(VALID, verbose=0, return_dict=True)
    history = fit(model, epochs=4)
    assert history.before == pytest.approx(expected)
    assert history.history["val_accuracy"][-1] > expected["accuracy"]


def test_without_validation_data_there_are_no_figures_before():
    assert fit(compiled(), validation_data=None).before is None


def test_steps_too_large_make_all_scores_one_number():
    message = (
        "After epoch 1 all validation scores are about .*the learning rate was "
        r"1.0e\+02 at its highest.*fine-tuned at 2e-5 to 2e-4"
    )
    with pytest.warns(UserWarning, match=message) as caught:
        fit(compiled(100.0))
    ours = [w for w in caught if "scores" in str(w.message)]
    assert len(ours) == 1  # not again after each epoch and at the end


def test_scores_that_began_alike_and_stay_so_are_told_at_the_end():
    labels = np.array([0, 1] * 10)

    def train(rate):
        guard = TrainingGuard(
            {"accuracy": 0.5},
            "accuracy",
            "max",
            sample=lambda: (labels, 0.5 + 1e-5 * labels),
        )
        guard.set_model(compiled(rate))
        guard.on_train_begin()
        guard.on_epoch_end(0, {"val_accuracy": 0.5})
        guard.on_train_end()

    train(2e-4)  # small steps may just need more time
    message = "After the training all validation scores are about 0.5.*1.0e-02"
    with pytest.warns(UserWarning, match=message):
        train(1e-2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* has no head")
def test_a_learning_rate_of_one_percent_ruins_a_real_encoder(shared):
    folder = shared("models/e5-small-zh")
    data = shared("data/qa_corpus")
    keras.utils.set_random_seed(0)
    model = CrossEncoder.from_preset(folder, num_classes=1, num_layers=1)
    model.compile(AdamW(1e-2))
    message = (
        "(all validation scores are|made the model worse).*the learning rate "
        "was 1.0e-02 at its highest, and encoders are fine-tuned at 2e-5"
    )
    with pytest.warns(UserWarning, match=message):
        model.fit(
            read_pairs(data / "train")[:1280],
            validation_data=read_pairs(data / "valid")[:256],
            verbose=0,
        )


def ranked_right(model):
    """The model, turned round if its fresh head ranks the wrong way."""
    scores = model.score(VALID)
    if scores[VALID.label == 1].mean() < scores[VALID.label == 0].mean():
        kernel = model.get_layer("head").kernel
        kernel.assign(-kernel)
    return model


def flipped(pairs):
    return Pairs(pairs.text_a, pairs.text_b, 1 - pairs.label)


def test_labels_the_wrong_way_round_are_told():
    model = ranked_right(compiled(0.03))
    with pytest.warns(UserWarning, match="labels of the training .*opposite"):
        fit(model, flipped(PAIRS), epochs=8)


@pytest.mark.slow
def test_a_fresh_head_may_begin_the_wrong_way_round():
    model = ranked_right(compiled(1e-6))
    kernel = model.get_layer("head").kernel
    kernel.assign(-kernel)
    fit(model)  # a warning would be an error


@pytest.mark.slow
@pytest.mark.parametrize("soft", [False, True])
def test_soft_and_one_hot_labels_train(soft):
    import tensorflow as tf

    model = compiled(num_classes=1 if soft else 2)
    valid, train = VALID, PAIRS
    if soft:
        valid = Pairs(valid.text_a, valid.text_b, 0.1 + 0.7 * valid.label)
        fit(model, train, valid)
        return
    model.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    pack = pair_dataset(valid, model.preprocessor, batch_size=16)
    one_hot = pack.map(lambda x, y: (x, tf.one_hot(y, 2)))
    fit(model, one_hot, one_hot, batch_size=None)


@pytest.mark.slow
def test_validation_pairs_in_the_order_of_their_labels_are_no_collapse():
    model = ranked_right(compiled(0.03))
    order = np.argsort(VALID.label, kind="stable")
    valid = pair_dataset(VALID[order], model.preprocessor, batch_size=4)
    fit(model, epochs=6, validation_data=valid)


class Ruin(keras.callbacks.Callback):
    """Makes the weights NaN after the last batch of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch == 1

    def on_train_batch_end(self, batch, logs=None):
        if self.now and batch == 3:
            bias = self.model.get_layer("head").bias
            bias.assign(np.full(1, np.nan))


@tensorflow_only  # other backends hold the weights back during an epoch
def test_weights_that_are_no_numbers_are_told_and_not_kept():
    model = compiled()
    # Few matches: that nothing matches is right most of the time.
    valid = VALID[[0, 1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]]
    with pytest.warns(UserWarning, match="After epoch 2 validation scores are"):
        history = fit(
            model, validation_data=valid, epochs=4, callbacks=[Ruin()]
        )
    assert len(history.history["loss"]) == 2
    assert np.isfinite(model.score(VALID)).all()


@tensorflow_only
def test_nobody_sees_figures_of_weights_that_are_no_numbers():
    seen = []

    class Sees(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            own = [name for name in logs if name.startswith("val_")]
            seen.append({name: np.isfinite(logs[name]) for name in own})

    model = compiled()
    stopping = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=3, restore_best_weights=True
    )
    # Few matches: that nothing matches is right most of the time.
    valid = VALID[[0, 1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]]
    with pytest.warns(UserWarning, match="After epoch 2 validation scores are"):
        fit(
            model,
            validation_data=valid,
            epochs=4,
            callbacks=[Sees(), stopping, Ruin()],
        )
    assert all(seen[0].values())
    assert not any(seen[1].values())
    assert {"val_loss", "val_accuracy"} <= set(seen[1])
    assert np.isfinite(model.score(VALID)).all()


def test_a_metric_of_several_thresholds_is_no_figure_of_epochs():
    several = keras.metrics.Precision(thresholds=[0.3, 0.5], name="p")
    model = small_model()
    model.compile(metrics=[several, "accuracy"])
    figures = model.evaluate(VALID, verbose=0, return_dict=True)
    assert monitored(model, figures) == ("accuracy", "max")


@pytest.mark.slow
def test_the_scoring_may_change_during_a_training():
    model = compiled()

    class Calibrate(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            model.scoring = model.scoring.replace(temperature=2.0 + epoch)

    fit(model, callbacks=[Calibrate()], restore_best_weights=False)
    assert model.scoring.temperature == 3.0


@pytest.mark.parametrize("steps_per_execution", [1, 8])
def test_the_highest_rate_of_a_schedule_is_told(steps_per_execution):
    model = compiled()
    model.compile(
        AdamW(LinearWarmup(100.0, 16, warmup=0.5)),
        steps_per_execution=steps_per_execution,
    )
    guard = TrainingGuard()
    fit(model, validation_data=None, epochs=2, batch_size=8, callbacks=[guard])
    assert guard.highest_rate >= 80


def test_epochs_without_validation_are_passed_over():
    fit(compiled(), epochs=3, validation_freq=2)


@pytest.mark.slow
@tensorflow_only
@pytest.mark.parametrize("restore", [True, False])
def test_averages_are_kept_by_a_training_that_stops_early(restore):
    model = small_model()
    model.compile(AdamW(0.05, use_ema=True, ema_momentum=0.9))

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            model.stop_training = epoch == 1

    history = fit(
        model, epochs=5, callbacks=[Stop()], restore_best_weights=restore
    ).history
    assert len(history["loss"]) == 2
    losses = history["val_loss"]
    best = int(np.argmax(history["val_accuracy"])) if restore else 1
    loss = model.evaluate(VALID, verbose=0)[0]
    assert loss == pytest.approx(losses[best], rel=1e-4)


@pytest.mark.slow
@tensorflow_only
def test_a_backup_is_of_the_weights_that_are_trained(tmp_path):
    results = []
    for stops in ([4], [2, 4]):
        for until in stops:
            keras.utils.set_random_seed(0)
            model = small_model()
            model.compile(AdamW(0.05, use_ema=True, ema_momentum=0.9))
            data = pair_dataset(PAIRS, model.preprocessor, batch_size=16)
            backup = keras.callbacks.BackupAndRestore(
                tmp_path / str(len(stops)), delete_checkpoint=False
            )
            fit(
                model,
                data,
                epochs=until,
                callbacks=[backup],
                restore_best_weights=False,
            )
        results.append(model.get_weights())
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_constant_labels_are_refused():
    ones = Pairs(PAIRS.text_a, PAIRS.text_b, np.ones(64, int))
    with pytest.raises(ValueError, match="All 64 labels are 1"):
        fit(compiled(), ones)


@pytest.mark.parametrize("batch", [0, 2])
def test_a_loss_that_is_no_number_names_the_batch_and_stops(batch):
    model = compiled()
    weight = np.ones(64, "float32")
    weight[batch * 16 + 5] = np.nan
    # Not through `Pairs` or `pair_dataset`, which refuse it.
    good = pair_dataset(PAIRS, model.preprocessor, batch_size=64)
    (features, label), *_ = good
    import tensorflow as tf

    planted = tf.data.Dataset.from_tensor_slices((features, label, weight))
    message = f"The loss became nan at batch {batch + 1} of epoch 1"
    with pytest.warns(UserWarning, match=message):
        history = fit(model, planted.batch(16), None, batch_size=None)
    assert len(history.history["loss"]) == 1


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_a_weight_that_is_no_weight_is_refused_with_its_place(wrong):
    weight = np.ones(64)
    weight[7] = wrong
    with pytest.raises(ValueError, match=rf"sample_weight\[7\]={wrong}"):
        fit(compiled(), sample_weight=weight)


def test_a_result_worse_than_before_is_told():
    guard = TrainingGuard({"accuracy": 0.9}, "accuracy", "max")
    guard.set_model(compiled(0.01))
    guard.on_train_begin()
    for epoch, accuracy in enumerate([0.7, 0.8, 0.75]):
        guard.on_epoch_end(epoch, {"val_accuracy": accuracy})
    message = (
        "worse: its best validation accuracy is 0.8000, and before the first "
        "step it was 0.9000.*the learning rate was 1.0e-02"
    )
    with pytest.warns(UserWarning, match=message):
        guard.on_train_end()


@pytest.mark.parametrize(
    ("num_examples", "told"), [(None, True), (10_000, True), (100, False)]
)
def test_a_share_that_falls_by_chance_is_not_told(num_examples, told):
    guard = TrainingGuard({"accuracy": 0.8}, "accuracy", "max", num_examples)
    guard.set_model(compiled())
    guard.on_epoch_end(0, {"val_accuracy": 0.79})
    if told:
        with pytest.warns(UserWarning, match="worse"):
            guard.on_train_end()
    else:
        guard.on_train_end()


def test_the_examples_of_the_validation_data_are_counted():
    model = compiled()
    dataset = pair_dataset(VALID, model.preprocessor, batch_size=16)
    _, callbacks = validation_callbacks(model, dataset, [], False)
    assert callbacks[-1].num_examples == 48
    endless = dataset.repeat()
    _, callbacks = validation_callbacks(model, endless, [], False, steps=1)
    assert callbacks[-1].num_examples is None


@pytest.mark.parametrize(
    ("mode", "values"), [("max", [0.7, 0.9]), ("min", [1.2, 0.9])]
)
def test_a_result_as_good_as_before_is_not_told(mode, values):
    guard = TrainingGuard({"figure": 0.9}, "figure", mode)
    guard.set_model(small_model())
    for epoch, value in enumerate(values):
        guard.on_epoch_end(epoch, {"val_figure": value})
    guard.on_train_end()


@pytest.mark.parametrize("restore", [True, False])
def test_the_best_weights_come_back_by_default(restore):
    model = compiled(0.01)
    kept = []

    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:  # the training could not do it better
                head = model.get_layer("head")
                head.set_weights([-w for w in head.get_weights()])

        def on_epoch_end(self, epoch, logs=None):
            kept.append((logs["val_accuracy"], model.get_weights()))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the spoilt epoch is told
        fit(
            model,
            epochs=3,
            callbacks=[Spoil()],
            restore_best_weights=restore,
        )
    accuracies = [accuracy for accuracy, _ in kept]
    best = int(np.argmax(accuracies))
    assert best < 2
    expected = kept[best if restore else 2][1]
    for one, two in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_early_stopping_of_ones_own_restores_instead():
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", restore_best_weights=True
    )
    model = compiled()
    history = fit(model, epochs=3, callbacks=[stopping]).history
    best = min(history["val_loss"])
    assert model.evaluate(VALID, verbose=0)[0] == pytest.approx(best, rel=1e-4)


def test_a_single_callback_needs_no_list():
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    fit(compiled(), callbacks=callback)
    assert seen == [0, 1]


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ("auto", ("accuracy", "max")),
        ([F1()], ("f1", "max")),
        ([keras.metrics.MeanSquaredError(name="mse")], ("mse", "min")),
        ([], ("loss", "min")),
        (["mae", F1()], ("mae", "min")),
    ],
)
def test_the_first_metric_with_a_direction_is_monitored(metrics, expected):
    model = small_model()
    model.compile(metrics=metrics)
    figures = model.evaluate(VALID, verbose=0, return_dict=True)
    assert monitored(model, figures) == expected


@pytest.mark.slow
def test_what_is_validated_with_averaged_weights_is_kept():
    losses = []
    for average in (False, True):
        keras.utils.set_random_seed(0)
        model = small_model()
        model.compile(AdamW(0.05, use_ema=average, ema_momentum=0.9))
        history = fit(model, epochs=2, restore_best_weights=False).history
        losses.append(model.evaluate(VALID, verbose=0)[0])
        assert history["val_loss"][-1] == pytest.approx(losses[-1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[1], rel=1e-2)


@tensorflow_only  # other backends hold the weights back during an epoch
def test_averaged_weights_are_means_of_those_of_the_steps():
    keras.utils.set_random_seed(0)
    model = small_model()
    optimizer = AdamW(0.05, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer)
    trained, averages = [], []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights = [to_numpy(v) for v in model.trainable_variables]
            trained.append(weights)

        def on_epoch_end(self, epoch, logs=None):
            averages.append([to_numpy(v) for v in model.trainable_variables])

    fit(model, epochs=2, callbacks=[Look()], restore_best_weights=False)
    expected = trained[0]
    per_epoch = []
    for step, weights in enumerate(trained):
        if step:
            expected = [
                (a + b) / 2 for a, b in zip(expected, weights, strict=True)
            ]
        if step % 4 == 3:
            per_epoch.append(expected)
    for one, two in zip(averages, per_epoch, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
    for a, b in zip(model.trainable_variables, per_epoch[-1], strict=True):
        np.testing.assert_allclose(to_numpy(a), b, atol=1e-5)


def test_the_guard_alone_watches_the_loss():
    model = compiled()
    guard = TrainingGuard()
    guard.set_model(model)
    guard.on_train_begin()
    guard.on_epoch_begin(4)
    with pytest.warns(UserWarning, match="became inf at batch 3 of epoch 5"):
        guard.on_train_batch_end(2, {"loss": float("inf")})
    assert model.stop_training
