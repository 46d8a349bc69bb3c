"""A training that was interrupted ends as one that was not."""

import functools
import random

import keras
import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import DistillationModel
from semmatch import record_dataset
from semmatch import write_records
from semmatch.training import AdamW
from semmatch.training import Resume
from semmatch.training import resume as module
from semmatch.training.checkpoint_files import CheckpointFiles
from semmatch.training.run import batch_order
from tests import checks
from tests.checks import tensorflow_only
from tests.models.bi_models import bi_preprocessor
from tests.models.bi_models import topic_pairs
from tests.training import toy_training as toy


def interrupted(train, folder, crashes, every=2):
    """Calls `train` with callbacks until nothing interrupts it any more.

    Returns:
        What the last call returned, and where each call has been.
    """
    seen = []
    files = CheckpointFiles(folder)
    for crash in [*crashes, None]:
        last = max(files.steps(), default=0)
        batches = toy.Batches()
        callbacks = [batches, Resume(folder, every)]
        if crash is not None:
            callbacks.append(toy.Crash(*crash))
        try:
            found = train(callbacks)
        except KeyboardInterrupt:
            assert crash is not None
        # A program that begins anew would end alike.
        assert batches.began == last
        seen.append(batches.seen)
    assert last > 0
    return found, seen


def train_toy(callbacks, **options):
    keras.utils.set_random_seed(3)
    model = toy.toy_model(**options.pop("compile", {}))
    data = options.pop("data", toy.toy_data)()
    history = toy.fit(model, data, *callbacks, **options)
    return model, history


@functools.cache
def default_alone():
    return train_toy([])


def compare_toy(folder, crashes, every=2, **options):
    """Of what was interrupted and what was not, all is the same."""
    alone, history = train_toy([], **options) if options else default_alone()
    (model, other), seen = interrupted(
        lambda callbacks: train_toy(callbacks, **options),
        folder,
        crashes,
        every,
    )
    toy.assert_same_values(alone, model)
    assert other.history == history.history
    assert other.epoch == history.epoch
    assert not folder.exists()
    return seen


@pytest.mark.parametrize("crash", [(0, 3), (1, 0), (1, 4)])
def test_the_end_is_the_same_wherever_it_was_interrupted(tmp_path, crash):
    compare_toy(tmp_path / "c", [crash])


def test_the_end_is_the_same_after_many_crashes(tmp_path):
    crashes = [(0, 0), (0, 2), (0, 2), (1, 1), (1, 0), (1, 0)]
    seen = compare_toy(tmp_path / "c", crashes)
    # Checkpoints are of every second batch and of the ends of epochs; Keras
    # counts the batches of a call.
    assert [batches[0][0] for batches in seen] == [0, 0, 0, 0, 1, 1, 1]
    assert [len(batches) for batches in seen] == [1, 3, 3, 3, 1, 1, 4]


def test_without_every_whole_epochs_are_kept(tmp_path):
    seen = compare_toy(tmp_path / "c", [(0, 3), (1, 3)], every=None)
    assert [batches[0][0] for batches in seen] == [0, 0, 1]
    assert len(seen[2]) == toy.STEPS


def test_passed_batches_are_not_read_again(tmp_path):
    import tensorflow as tf

    read = []

    def data():
        def note(label):
            read.append(len(label))
            return label

        def noted(x, label):
            noted = tf.numpy_function(note, [label], label.dtype)
            return x, tf.ensure_shape(noted, label.shape)

        # After what prepares batches ahead.
        return toy.toy_data().map(noted)

    with pytest.raises(KeyboardInterrupt):
        train_toy([Resume(tmp_path, 2), toy.Crash(1, 3)], data=data)
    read.clear()
    train_toy([Resume(tmp_path, 2)], data=data)
    assert read == [16, 6]


def test_what_runs_eagerly_goes_on(tmp_path):
    compare_toy(tmp_path / "c", [(0, 3)], compile={"run_eagerly": True})


@pytest.mark.slow
@pytest.mark.parametrize("shuffle", [False, True])
def test_other_orders_and_arguments(tmp_path, shuffle):
    def data():
        return toy.toy_data(shuffle=shuffle, seed=7)

    compare_toy(
        tmp_path / "c",
        [(1, 3)],
        data=data,
        class_weight={0: 1.0, 1: 2.0},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "endless", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_epochs_of_some_steps_go_on_through_the_data(tmp_path, endless):
    def data():
        dataset = toy.toy_data()
        return dataset.repeat() if endless else dataset

    options = {"data": data, "steps_per_epoch": 3, "epochs": 3}
    alone, history = train_toy([Resume(tmp_path / "alone")], **options)
    found, seen = interrupted(
        lambda callbacks: train_toy(callbacks, **options),
        tmp_path / "c",
        [(0, 2), (1, 0), (2, 1)],
        every=1,
    )
    toy.assert_same_values(alone, found[0])
    assert found[1].history == history.history
    assert len(seen[-1]) == 2


@pytest.mark.slow
def test_several_steps_in_one(tmp_path):
    def six_batches():
        return toy.toy_data(checks.toy_pairs(96))

    seen = compare_toy(
        tmp_path / "c",
        [(0, 5), (1, 2)],
        every=3,
        data=six_batches,
        compile={"steps_per_execution": 3},
    )
    assert seen[1] == [(0, 2), (1, 2)]
    options = {"compile": {"steps_per_execution": 2}}
    message = "`steps_per_execution=2` does not divide the 5 batches"
    with pytest.raises(ValueError, match=message):
        train_toy([Resume(tmp_path, 2)], **options)
    compare_toy(tmp_path / "d", [(1, 1)], every=None, **options)


def test_callbacks_go_on_too(tmp_path):
    class Halves(keras.callbacks.Callback):
        """A callback of a user's that has a state."""

        remembered = ("rates",)

        def __init__(self):
            super().__init__()
            self.rates = []

        def on_epoch_end(self, epoch, logs=None):
            rate = self.model.optimizer.learning_rate
            self.rates.append(float(rate))
            rate.assign(rate / 2)

    def train(callbacks):
        keras.utils.set_random_seed(3)
        halves = Halves()
        stopping = keras.callbacks.EarlyStopping(
            "loss", patience=1, min_delta=10, restore_best_weights=True
        )
        model = toy.toy_model()
        toy.fit(model, toy.toy_data(), halves, stopping, *callbacks, epochs=9)
        return model, halves.rates, stopping.stopped_epoch

    alone = train([])
    found, _ = interrupted(train, tmp_path / "c", [(0, 3), (1, 1)])
    toy.assert_same_values(alone[0], found[0])
    assert alone[1:] == found[1:]
    assert found[1] == pytest.approx([0.05, 0.025])  # then it was stopped


@pytest.mark.parametrize("every", [2, None])
def test_what_callbacks_do_as_an_epoch_begins_is_done_once(tmp_path, every):
    class Counts(keras.callbacks.Callback):
        remembered = ("epochs",)

        def __init__(self):
            super().__init__()
            self.epochs, self.rates = 0, []

        def on_epoch_begin(self, epoch, logs=None):
            self.epochs += 1

        def on_epoch_end(self, epoch, logs=None):
            self.rates.append(float(self.model.optimizer.learning_rate))

    def train(callbacks):
        keras.utils.set_random_seed(3)
        counts = Counts()
        halving = keras.callbacks.LearningRateScheduler(
            lambda epoch, rate: rate / 2 if epoch else rate
        )
        model = toy.toy_model()
        toy.fit(model, toy.toy_data(), counts, halving, *callbacks, epochs=3)
        return model, counts

    alone, counts = train([])
    (found, after), _ = interrupted(train, tmp_path / "c", [(1, 3)], every)
    toy.assert_same_values(alone, found)
    assert after.epochs == counts.epochs == 3
    assert after.rates == counts.rates[1:]


def test_what_cannot_be_remembered_is_told_before_the_training(tmp_path):
    class Set(keras.callbacks.Callback):
        remembered = ("seen",)
        seen = frozenset({1})

    batches = toy.Batches()
    with pytest.raises(TypeError, match=r"Set.remembered.* seen=frozenset"):
        train_toy([Set(), batches, Resume(tmp_path)])
    assert not batches.seen


def test_random_numbers_of_callbacks_go_on(tmp_path):
    class Draws(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            kernel = self.model.layers[-1].kernel
            kernel.assign(kernel * (1 + 0.1 * random.random()))
            kernel.assign(kernel * (1 + 0.1 * np.random.random()))

    def train(callbacks):
        return train_toy([Draws(), *callbacks])

    alone, _ = train([])
    (model, _), _ = interrupted(train, tmp_path / "c", [(0, 3)])
    toy.assert_same_values(alone, model)


def test_raw_texts_go_on_in_the_order_of_before(tmp_path):
    drawn = []

    def data():
        dataset = toy.toy_data(seed=random.randrange(100))
        # As `fit` builds it of raw texts.
        order = batch_order(dataset)
        order.drawn_seed = True
        drawn.append(order)
        return dataset

    def train(callbacks):
        keras.utils.set_random_seed(3)
        model = toy.toy_model()
        random.seed(len(drawn))  # as in a program that sets no seed
        toy.fit(model, data(), *callbacks)
        return model

    alone = train([])
    drawn.clear()
    model, _ = interrupted(train, tmp_path / "c", [(1, 2)])
    assert drawn[0].seed == drawn[1].seed
    toy.assert_same_values(alone, model)


def test_a_stop_in_a_resumed_epoch_stays_a_stop(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.now = epoch == 1

        def on_train_batch_end(self, batch, logs=None):
            # The last one of an epoch of which 4 were trained on before.
            if self.now and batch == toy.STEPS - 4 - 1:
                self.model.stop_training = True

    with pytest.raises(KeyboardInterrupt):
        train_toy([Resume(tmp_path / "c", 3), toy.Crash(1, 3)])
    _, history = train_toy([Stop(), Resume(tmp_path / "c", 3)])
    assert history.epoch == [0, 1]


def test_the_end_of_a_resumed_epoch_is_no_stop_for_others(tmp_path):
    stops = []

    class Noting(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            stops.append(self.model.stop_training)

    interrupted(
        lambda callbacks: train_toy([Noting(), *callbacks]),
        tmp_path / "c",
        [(1, 2)],
    )
    assert stops == [False] * 2


def test_another_fit_begins_anew(tmp_path):
    resume = Resume(tmp_path / "c", 2)
    batches = toy.Batches()
    model = toy.toy_model()
    for _ in range(2):
        toy.fit(model, toy.toy_data(), batches, resume, epochs=1)
    assert batches.seen == [(0, batch) for batch in range(toy.STEPS)] * 2


def test_more_epochs_may_be_asked_for(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train_toy([Resume(tmp_path / "c"), toy.Crash(1, 0)], epochs=2)
    model, history = train_toy([Resume(tmp_path / "c")], epochs=3)
    assert history.epoch == [0, 1, 2]
    toy.assert_same_values(train_toy([], epochs=3)[0], model)


def test_checkpoints_stay_if_the_loss_is_no_number(tmp_path):
    class Ruin(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                bias = self.model.layers[-1].bias
                bias.assign([np.nan])

    with pytest.warns(UserWarning, match=f"one before are in {tmp_path}"):
        train_toy([Resume(tmp_path, 1), Ruin()])
    # Those of before; none of the weights that are no numbers.
    assert CheckpointFiles(tmp_path).steps() == [3, 4]
    assert (tmp_path / "failed_batch.jsonl").exists()


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    class Ruin(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                self.model.layers[-1].bias.assign([np.nan])

    with pytest.warns(UserWarning, match=f"one before are in {tmp_path}"):
        train_toy([Ruin(), Resume(tmp_path, 1)])
    assert CheckpointFiles(tmp_path).steps() == [1, 2]


def test_checkpoints_stay_if_the_last_step_leaves_no_numbers(tmp_path):
    class Ruin(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.layers[-1].bias.assign([np.nan])

    plain = {"optimizer": keras.optimizers.SGD(0.1)}  # without averages
    with pytest.warns(UserWarning, match="weights of the model are no numbers"):
        train_toy([Ruin(), Resume(tmp_path, 1)], compile=plain)
    assert CheckpointFiles(tmp_path).steps() == [8, 9]


@pytest.mark.parametrize(
    ("answers", "steps"),
    [
        # Another worker writes all of them.
        ([True] * 10, []),
        # It cannot write that of the eighth batch, and has failed at the end.
        ([True] * 7 + [False, True, False], [7, 9]),
    ],
)
def test_what_another_worker_lacks_is_not_kept(
    tmp_path, monkeypatch, answers, steps
):
    answers = iter(answers)
    seen = []

    def every(model, flag):
        seen.append(flag)
        return flag and next(answers)

    monkeypatch.setattr(module, "every_worker", every)
    train_toy([Resume(tmp_path, 1)])
    # Nine checkpoints, and the question at the end.
    assert seen == [True] * 10
    assert CheckpointFiles(tmp_path).steps() == steps


def test_a_store_that_is_no_disk_is_refused():
    with pytest.raises(ValueError, match="`Resume` writes .*'gs://bucket/c'"):
        Resume("gs://bucket/c")


def test_integers_of_numpy_are_kept(tmp_path):
    def data():
        return toy.toy_data(seed=np.int64(3)).repeat()

    steps = np.int64(4)
    compare_toy(tmp_path / "c", [(1, 1)], data=data, steps_per_epoch=steps)


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_training(
    tmp_path, monkeypatch
):
    def full(self, *arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(CheckpointFiles, "write", full)
    message = "The checkpoint of batch 4 of epoch 1 could not be .*No space"
    with pytest.warns(UserWarning, match=message):
        _, history = train_toy([Resume(tmp_path, 4)], epochs=1)
    assert history.epoch == [0]


def test_a_full_disk_is_told_before_the_training(tmp_path, monkeypatch):
    batches = toy.Batches()
    monkeypatch.setattr(module, "_size", lambda run: 2**60)
    with pytest.raises(OSError, match="`Resume` needs 3,298,534,883,328 MiB"):
        train_toy([Resume(tmp_path), batches])
    assert not batches.seen


def test_the_room_that_is_asked_for_is_about_that_of_the_files(
    tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        module, "check_folder", lambda folder, room, who: asked.append(room)
    )
    with pytest.raises(KeyboardInterrupt):
        train_toy([Resume(tmp_path, 1), toy.Crash(0, 2)])
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert 3 * max(sizes) < asked[0] < 3 * (max(sizes) + 2**20)
    train_toy([Resume(tmp_path, 1)])
    assert asked[1] == pytest.approx(asked[0] / 3, rel=0.01)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A folder with the checkpoint of the first epoch."""
    folder = tmp_path_factory.mktemp("checkpoint")
    with pytest.raises(KeyboardInterrupt):
        train_toy([Resume(folder), toy.Crash(1, 0)])
    return folder


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"compile": {"optimizer": AdamW(0.1)}},
            "compile.optimizer.config.learning_rate was 0.05.* and is 0.1",
        ),
        (
            {"compile": {"optimizer": keras.optimizers.SGD(0.05)}},
            'compile.optimizer.module was "semmatch.* and is "keras.optim',
        ),
        (
            {"compile": {"metrics": ["mse"]}},
            'compile.metrics.0 was "accuracy" and is "mse"',
        ),
        ({"compile": {"rate": 0.5}}, "model.config.* was 0.3 and is 0.5"),
        (
            {"data": lambda: toy.toy_data(batch_size=8)},
            "data.batch_size was 16 and is 8",
        ),
        ({"data": lambda: toy.toy_data(seed=1)}, "data.seed was 0 and is 1"),
        (
            {"data": lambda: toy.toy_data(checks.toy_pairs(70, seed=9))},
            'data.sha256 was "',
        ),
        (
            {"steps_per_epoch": 3},
            "fit.steps_per_epoch was null and is 3",
        ),
        (
            {"class_weight": {0: 1.0, 1: 2.0}},
            r"fit.class_weight was null and is \[\[0, 1.0\], \[1, 2.0\]\]",
        ),
        ({"epochs": 1}, "is of epoch 2, and the training ends .*epochs=1"),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(
    checkpoint, change, message
):
    with pytest.raises(ValueError, match=message):
        train_toy([Resume(checkpoint)], **change)
    assert CheckpointFiles(checkpoint).steps() == [toy.STEPS]


def test_a_dataset_that_cannot_begin_anywhere_is_refused(tmp_path):
    import tensorflow as tf

    def other():
        return toy.toy_data().shuffle(3).map(lambda *batch: batch)

    with pytest.raises(ValueError, match="Received: a _ShuffleDataset"):
        train_toy([Resume(tmp_path)], data=other)
    with pytest.raises(ValueError, match="without end. Pass `steps_per_epoch"):
        train_toy([Resume(tmp_path)], data=lambda: toy.toy_data().repeat())
    with pytest.raises(ValueError, match="Received: a _TensorDataset"):
        train_toy(
            [Resume(tmp_path)],
            data=lambda: tf.data.Dataset.from_tensors((np.ones((2, 3)), [1])),
        )


def test_two_of_them_are_refused(tmp_path):
    with pytest.raises(ValueError, match="several `Resume` callbacks"):
        train_toy([Resume(tmp_path), Resume(tmp_path)])


def test_a_model_of_somebody_else_is_told_apart(tmp_path):
    model = toy.toy_model()
    with pytest.raises(RuntimeError, match="Pass it to `fit` of a `CrossEnc"):
        model.fit(
            toy.toy_data(),
            callbacks=[Resume(tmp_path)],
            shuffle=False,
            verbose=0,
        )


@pytest.mark.parametrize("every", [0, 1.5, True])
def test_every_is_a_number_of_batches(every):
    with pytest.raises(ValueError, match="`every` must be an integer"):
        Resume("x", every)


def train_cross(callbacks, **compiled):
    keras.utils.set_random_seed(5)
    encoder = checks.tiny_encoder(num_layers=1)
    model = CrossEncoder(encoder, checks.tiny_preprocessor())
    model.compile(AdamW(0.01, use_ema=True, ema_momentum=0.5), **compiled)
    history = model.fit(
        toy.PAIRS,
        batch_size=16,
        validation_data=checks.toy_pairs(20, seed=1),
        epochs=3,
        verbose=0,
        callbacks=callbacks,
    )
    return model, history


def train_parts(callbacks):
    return train_cross(callbacks, micro_batch_size=6)


def train_bi(callbacks):
    keras.utils.set_random_seed(5)
    model = BiEncoder(checks.tiny_encoder(num_layers=1), bi_preprocessor())
    model.compile(AdamW(0.01))
    history = model.fit(
        topic_pairs(4),
        batch_size=10,
        epochs=3,
        verbose=0,
        callbacks=callbacks,
    )
    return model, history


def train_distilled(callbacks):
    keras.utils.set_random_seed(5)
    teacher = checks.tiny_model(checks.tiny_encoder(num_layers=1))
    student = checks.tiny_model(checks.tiny_encoder(num_layers=1))
    model = DistillationModel(teacher, student, temperature=2.0)
    model.compile(AdamW(0.01))
    history = model.fit(
        toy.PAIRS, batch_size=16, epochs=3, verbose=0, callbacks=callbacks
    )
    return model, history


# Too small to learn to tell pairs apart.
@pytest.mark.filterwarnings("ignore:After epoch .* all validation scores")
@pytest.mark.slow
@pytest.mark.parametrize(
    "train",
    [
        train_cross,
        pytest.param(train_parts, marks=tensorflow_only),
        train_bi,
        train_distilled,
    ],
)
def test_each_kind_of_model_goes_on(tmp_path, train):
    alone, history = train([])
    (model, other), _ = interrupted(
        train, tmp_path / "c", [(0, 1), (1, 2), (2, 1)]
    )
    toy.assert_same_values(alone, model)
    assert other.history == history.history
    assert other.before == history.before


@pytest.mark.slow
def test_data_in_files_go_on(tmp_path):
    def data():
        records = record_dataset(
            tmp_path / "records", toy.PREPROCESSOR, batch_size=16, shuffle=True
        )
        return records.map(lambda x, label: (x["token_ids"], label))

    write_records(toy.PAIRS, tmp_path / "records", num_shards=2)
    compare_toy(tmp_path / "c", [(0, 3), (1, 3)], data=data)
