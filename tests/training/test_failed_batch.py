"""What a training failed on is written out."""

import json
import re
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.models.fitting import guarded_fit
from semmatch.training import Resume
from semmatch.training import RunFolder
from semmatch.training.kept_batches import KeptBatches
from tests.checks import small_model
from tests.checks import tensorflow_only
from tests.checks import toy_pairs
from tests.training import toy_training as toy


class Ruin(keras.callbacks.Callback):
    """Makes the weights NaN, so that the loss of the next batch is."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            self.model.layers[-1].bias.assign([np.nan])


def failed(data, *callbacks, **options):
    """The path that the warning names, None if it names none."""
    compiled = options.pop("compile", {})
    model = options.pop("model", None) or toy.toy_model(**compiled)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        toy.fit(model, data, *callbacks, **options)
    [message] = [str(w.message) for w in caught if "loss became" in str(w)]
    found = re.search(r"the one before are in (.*)\.$", message)
    return message, found and Path(found[1])


def rows(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


pytestmark = tensorflow_only  # others hold the weights back during an epoch


def test_the_texts_of_the_batch_and_of_the_one_before_are_written(tmp_path):
    data = toy.toy_data(seed=4)
    expected = [labels for _ in range(2) for _, labels in data]
    data = toy.toy_data(seed=4)
    folder = RunFolder(tmp_path)
    message, path = failed(data, folder, Ruin(1, 2))
    assert "became nan at batch 3 of epoch 2" in message
    assert path == tmp_path / "failed_batch.jsonl"
    found = rows(path)
    assert len(found) == 2 * 16
    assert {(x["epoch"], x["batch"], x["step"]) for x in found[16:]} == {
        (2, 3, 8)
    }
    assert {x["batch"] for x in found[:16]} == {2}
    labels = expected[toy.STEPS + 2].numpy().tolist()
    assert [x["label"] for x in found[16:]] == labels
    row = found[20]["row"]
    assert found[20]["text_a"] == toy.PAIRS.text_a[row]
    assert found[20]["text_b"] == toy.PAIRS.text_b[row]


@pytest.mark.parametrize(
    "at, expected",
    [
        ((0, 0), {(1, 1)}),
        ((1, 0), {(1, 5), (2, 1)}),
        ((1, 4), {(2, 4), (2, 5)}),
    ],
)
def test_the_batch_before_may_be_of_the_epoch_before(tmp_path, at, expected):
    _, path = failed(toy.toy_data(), RunFolder(tmp_path), Ruin(*at))
    assert {(x["epoch"], x["batch"]) for x in rows(path)} == expected


def test_without_a_folder_it_goes_into_a_temporary_one():
    _, path = failed(toy.toy_data(), Ruin(0, 1))
    assert path.name == "failed_batch.jsonl"
    assert path.exists()


def test_the_folder_of_checkpoints_will_do(tmp_path):
    _, path = failed(toy.toy_data(), Resume(tmp_path / "c"), Ruin(0, 1))
    assert path.parent == tmp_path / "c"


def test_of_several_steps_in_one_all_are_written(tmp_path):
    message, path = failed(
        toy.toy_data(),
        RunFolder(tmp_path),
        Ruin(1, 0),
        compile={"steps_per_execution": 3},
    )
    assert "at batch 3 of epoch 2" in message
    assert {(x["epoch"], x["batch"]) for x in rows(path)} == {
        (1, 5),
        (2, 1),
        (2, 2),
        (2, 3),
    }


def test_a_resumed_training_knows_its_batches(tmp_path):
    data = toy.toy_data(seed=4)
    expected = [labels for _ in range(2) for _, labels in data]
    callbacks = [Resume(tmp_path, 2), toy.Crash(1, 2)]
    keras.utils.set_random_seed(1)
    with pytest.raises(KeyboardInterrupt):
        toy.fit(toy.toy_model(), toy.toy_data(seed=4), *callbacks)
    # One batch of the epoch was trained on: Keras's batch 2 is the fourth.
    message, path = failed(
        toy.toy_data(seed=4), Resume(tmp_path, 2), Ruin(1, 2)
    )
    assert "at batch 4 of epoch 2" in message
    labels = expected[toy.STEPS + 3].numpy().tolist()
    assert [x["label"] for x in rows(path)[16:]] == labels


@pytest.mark.parametrize("options", [{}, {"steps_per_epoch": 2}])
def test_features_are_written_of_data_that_do_not_say_what_they_are(
    tmp_path, options
):
    import tensorflow as tf

    features = np.arange(40).reshape(20, 2)
    labels = np.arange(20) % 2
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(4)
    data = data.prefetch(2)
    if options:
        data = data.repeat()
    _, path = failed(data, RunFolder(tmp_path), Ruin(1, 1), **options)
    assert path == tmp_path / "failed_batch.npz"
    # 2 of the epoch before in the data that are repeated, else 5.
    start = 4 * (3 if options else 1)
    with np.load(path) as arrays:
        assert sorted(arrays) == [
            "epoch2-batch1/0",
            "epoch2-batch1/1",
            "epoch2-batch2/0",
            "epoch2-batch2/1",
        ]
        np.testing.assert_array_equal(
            arrays["epoch2-batch2/0"], features[start : start + 4]
        )
        np.testing.assert_array_equal(
            arrays["epoch2-batch2/1"], labels[start : start + 4]
        )


def test_of_other_data_nothing_is_known(tmp_path):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, place):
            return np.ones((2, 3), "int32"), np.ones(2)

    message, path = failed(Batches(), RunFolder(tmp_path), Ruin(0, 1))
    assert path is None
    assert message.endswith("2e-4.")


def test_a_batch_that_is_not_kept_any_more_is_empty():
    import tensorflow as tf

    kept = KeptBatches(tf.data.Dataset.range(200).batch(2))
    list(kept.dataset)
    assert kept.batch(0) == {}
    assert kept.batch(99)["0"].tolist() == [198, 199]
    assert kept.dataset.cardinality() == 100


def test_ragged_and_named_features_pass():
    import tensorflow as tf

    ragged = tf.ragged.constant([[1], [2, 3]])
    data = tf.data.Dataset.from_tensor_slices({"a": ragged, "b": [1, 2]})
    kept = KeptBatches(data.batch(2))
    [batch] = kept.dataset
    assert batch["a"].to_list() == [[1], [2, 3]]
    assert kept.dataset.element_spec == data.batch(2).element_spec
    assert kept.batch(0)["0"].tolist() == [1, 2, 3]


def test_a_weight_that_is_no_number_is_found(tmp_path):
    """The use of it: a label of one's own data that is NaN."""
    import tensorflow as tf

    model = small_model()
    model.compile()
    assert isinstance(model, CrossEncoder)
    pairs = toy_pairs(32)
    features = model.preprocessor.pack(pairs.text_a, pairs.text_b)
    labels = pairs.label.astype("float32")
    labels[13] = np.nan
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(8)
    with pytest.warns(UserWarning, match="at batch 2 of epoch 1"):
        guarded_fit(
            model,
            super(CrossEncoder, model).fit,
            data,
            None,
            True,
            callbacks=[RunFolder(tmp_path)],
            verbose=0,
        )
    with np.load(tmp_path / "failed_batch.npz") as arrays:
        found = arrays["epoch1-batch2/3"]
    assert np.flatnonzero(np.isnan(found)).tolist() == [5]
