"""What is read is what `pair_dataset` gives, in another order."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.data import record_dataset
from semmatch.data import write_records
from semmatch.data.record_reader import RecordReader
from semmatch.models import BiEncoderPreprocessor
from semmatch.models.teacher import DistillationPreprocessor
from semmatch.training import Resume
from tests.checks import TEXTS
from tests.checks import tiny_model
from tests.checks import tiny_preprocessor
from tests.data.batches import batches
from tests.data.batches import order
from tests.data.batches import padding

SIZE = 403
SHARDS = 5


def bi_preprocessor(**kwargs):
    kwargs = {"sequence_length": 16, "query_prompt": "还", **kwargs}
    return BiEncoderPreprocessor.from_texts(TEXTS, **kwargs)


@pytest.fixture(scope="module")
def preprocessor():
    return tiny_preprocessor(sequence_length=64)


@pytest.fixture(scope="module")
def pairs():
    """Pairs of many lengths; the label is the number of the row."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 50, SIZE)
    return Pairs(["借" * n for n in lengths], ["还"] * SIZE, np.arange(SIZE))


@pytest.fixture(scope="module")
def folders(pairs, preprocessor, tmp_path_factory):
    """The same pairs as texts, as token ids, and in their own order."""
    root = tmp_path_factory.mktemp("records")
    options = {
        "texts": {},
        "token ids": {"preprocessor": preprocessor},
        "in order": {"seed": None},
        "ids in order": {"seed": None, "preprocessor": preprocessor},
    }
    for name, more in options.items():
        write_records(pairs, root / name, num_shards=SHARDS, **more)
    return {name: root / name for name in options}


@pytest.fixture(scope="module", params=["texts", "token ids"])
def folder(folders, request):
    return folders[request.param]


def contents(dataset):
    """Each row without its padding, in an order of their own."""
    found = []
    for features, *labels in batches(dataset):
        flat = tf.nest.flatten(features)
        masks = [
            row
            for row in tf.nest.flatten(
                {
                    name: [part["padding_mask"]] * len(part)
                    for name, part in _parts(features).items()
                }
            )
        ]
        for row in range(len(flat[0])):
            kept = [
                feature[row][mask[row].astype(bool)].tolist()
                for feature, mask in zip(flat, masks, strict=True)
            ]
            found.append((kept, [float(label[row]) for label in labels]))
    return sorted(found)


def _parts(features):
    return features if "student" in features else {"": features}


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_pairs_are_those_of_pair_dataset(
    pairs, preprocessor, folder, shuffle
):
    dataset = record_dataset(
        folder, preprocessor, batch_size=16, shuffle=shuffle
    )
    expected = pair_dataset(pairs, preprocessor, batch_size=16)
    assert dataset.element_spec == expected.element_spec
    assert contents(dataset) == contents(expected)
    assert len(dataset) == len(expected) == len(batches(dataset))
    for features, labels in batches(dataset):
        longest = features["padding_mask"].sum(-1).max()
        assert features["token_ids"].shape == (
            len(labels),
            min(-(-longest // 8) * 8, 64),
        )
        assert {feature.dtype for feature in features.values()} == {
            np.dtype("int32")
        }


@pytest.mark.parametrize("name", ["in order", "ids in order"])
@pytest.mark.parametrize("size", [1, 64, 2_000])
def test_records_in_order_are_pair_datasets_batches(
    pairs, preprocessor, folders, name, size
):
    found = batches(
        record_dataset(folders[name], preprocessor, batch_size=size)
    )
    expected = batches(pair_dataset(pairs, preprocessor, batch_size=size))
    assert len(found) == len(expected)
    for (features, labels), (same, same_labels) in zip(
        found, expected, strict=True
    ):
        np.testing.assert_array_equal(labels, same_labels)
        assert labels.dtype == same_labels.dtype
        for feature in same:
            np.testing.assert_array_equal(features[feature], same[feature])


@pytest.mark.parametrize("stored", ["texts", "ids"])
@pytest.mark.parametrize(
    "kind",
    [
        bi_preprocessor,
        lambda: tiny_preprocessor(segments=False, truncation="only_second"),
        lambda: DistillationPreprocessor(
            bi_preprocessor(), tiny_preprocessor(sequence_length=24)
        ),
    ],
    ids=["bi-encoder", "no segments", "distillation"],
)
@pytest.mark.filterwarnings("ignore:.*have more than:UserWarning")
def test_every_preprocessor_packs_what_it_packs(pairs, tmp_path, kind, stored):
    preprocessor = kind()
    write_records(
        pairs,
        tmp_path / "r",
        num_shards=2,
        preprocessor=preprocessor if stored == "ids" else None,
    )
    dataset = record_dataset(tmp_path / "r", preprocessor)
    expected = pair_dataset(pairs, preprocessor)
    assert dataset.element_spec == expected.element_spec
    assert contents(dataset) == contents(expected)


def test_stored_ids_are_packed_by_another_length(pairs, folders):
    for options in ({"sequence_length": 12}, {"truncation": "only_second"}):
        other = tiny_preprocessor(**options)
        dataset = record_dataset(folders["token ids"], other)
        assert contents(dataset) == contents(pair_dataset(pairs, other))


@pytest.mark.parametrize("labels", [None, [0.5] * 9 + [1]])
def test_labels_may_be_graded_or_absent(preprocessor, tmp_path, labels):
    pairs = Pairs(["还款"] * 10, ["取消"] * 10, labels)
    write_records(pairs, tmp_path / "r")
    dataset = record_dataset(tmp_path / "r", preprocessor, shuffle=True)
    expected = pair_dataset(pairs, preprocessor)
    assert dataset.element_spec == expected.element_spec
    assert contents(dataset) == contents(expected)


@pytest.mark.parametrize("size", [64, 8])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_pair_comes_once_and_the_last_batch_is_partial(
    preprocessor, folder, size, shuffle
):
    dataset = record_dataset(
        folder, preprocessor, batch_size=size, shuffle=shuffle
    )
    seen = order(dataset)
    assert sorted(sum(seen, [])) == list(range(SIZE))
    assert [len(batch) for batch in seen] == [size] * (SIZE // size) + [
        SIZE % size
    ]
    assert dataset.cardinality() == len(seen)


def test_the_order_is_a_function_of_seed_and_epoch(preprocessor, folder):
    def epochs(seed):
        dataset = record_dataset(
            folder, preprocessor, batch_size=4, shuffle=True, seed=seed
        )
        return [sum(order(dataset), []) for _ in range(3)]

    first = epochs(seed=5)
    assert first == epochs(seed=5)
    assert first[0] != first[1] != first[2] != first[0]
    assert epochs(seed=6)[0] != first[0]


def test_texts_and_ids_come_in_the_same_order(preprocessor, folders):
    texts, ids = (
        order(record_dataset(folders[name], preprocessor, shuffle=True))
        for name in ("texts", "token ids")
    )
    assert texts == ids


def test_the_default_is_a_fixed_order_in_batches_of_64(preprocessor, folder):
    dataset = record_dataset(folder, preprocessor)
    seen = order(dataset)
    assert seen == order(dataset)
    assert len(seen[0]) == 64
    default = record_dataset(folder, preprocessor, shuffle=True)
    zero = record_dataset(folder, preprocessor, shuffle=True, seed=0)
    assert order(default) == order(zero)


def test_similar_lengths_share_a_batch(preprocessor, folder):
    plain, grouped = (
        padding(
            record_dataset(folder, preprocessor, batch_size=8, shuffle=shuffle)
        )
        for shuffle in (False, True)
    )
    assert grouped < plain / 2


def test_shuffled_rows_are_far_from_where_they_were(preprocessor, folders):
    dataset = record_dataset(
        folders["token ids"], preprocessor, batch_size=2, shuffle=True
    )
    for _ in range(2):
        rows = sum(order(dataset), [])
        assert abs(np.corrcoef(rows, np.arange(SIZE))[0, 1]) < 0.1


# 403 pairs are 101 batches of 4, which are arranged 64 at a time.
@pytest.fixture(scope="module", params=[False, True], ids=["given", "shuffle"])
def long_run(request, preprocessor, folders):
    """The options of a dataset and the batches of three epochs."""
    options = {"batch_size": 4, "shuffle": request.param, "seed": 3}
    dataset = record_dataset(folders["token ids"], preprocessor, **options)
    return options, sum((order(dataset) for _ in range(3)), [])


@pytest.mark.parametrize("batch", [0, 1, 63, 64, 100])
@pytest.mark.parametrize("epoch", [0, 1])
def test_the_next_batch_may_be_set(
    preprocessor, folders, long_run, epoch, batch
):
    options, expected = long_run
    dataset = record_dataset(folders["token ids"], preprocessor, **options)
    start = epoch * 101 + batch
    dataset.batch_order.next_batch = start
    assert order(dataset) == expected[start : start + 101]
    assert dataset.batch_order.next_batch == start + 101
    assert len(dataset) == dataset.batch_order.num_batches == 101


def test_the_seed_may_be_set_between_iterations(preprocessor, folder):
    dataset = record_dataset(folder, preprocessor, shuffle=True, seed=3)
    other = record_dataset(folder, preprocessor, shuffle=True, seed=4)
    dataset.batch_order.seed = 4
    assert order(dataset) == order(other)


@pytest.mark.parametrize("batch", [0, 64, 100, 101 + 70])
def test_a_batch_says_what_stands_in_it(
    pairs, preprocessor, folders, long_run, batch
):
    options, batches = long_run
    for name in ("texts", "token ids"):
        dataset = record_dataset(folders[name], preprocessor, **options)
        rows = batches[batch]
        expected = [
            {
                "text_a": pairs.text_a[row],
                "text_b": pairs.text_b[row],
                "label": row,
            }
            for row in rows
        ]
        if name == "token ids":
            for example in expected:
                example["text_a"] = " ".join(example["text_a"])
        assert dataset.batch_order.examples(batch) == expected


def test_a_batch_of_a_student_and_a_teacher_says_what_the_student_reads(
    tmp_path,
):
    preprocessor = DistillationPreprocessor(
        tiny_preprocessor(), bi_preprocessor()
    )
    for name, more in (("a", {}), ("b", {"preprocessor": preprocessor})):
        write_records([("还", "款")], tmp_path / name, **more)
        dataset = record_dataset(tmp_path / name, preprocessor)
        assert dataset.batch_order.examples(0) == [
            {"text_a": "还", "text_b": "款"}
        ]


def test_data_are_described(preprocessor, folders):
    def describe(name, **options):
        dataset = record_dataset(folders[name], preprocessor, **options)
        return dataset.batch_order.describe()

    first = describe("texts")
    assert {**first, "sha256": len(first["sha256"])} == {
        "rows": SIZE,
        "batch_size": 64,
        "order": "as written",
        "sha256": 64,
        "seed": 0,
    }
    assert describe("texts") == first
    assert describe("texts", shuffle=True, seed=5) == {
        **first,
        "order": "shuffle",
        "seed": 5,
    }
    assert describe("token ids")["sha256"] != first["sha256"]


@pytest.mark.slow
def test_a_resumed_training_ends_as_an_uninterrupted_one(folders, tmp_path):
    folder = folders["token ids"]
    batches_seen = []

    def train(epochs, stop=None):
        keras.utils.set_random_seed(0)
        model = tiny_model(num_classes=SIZE)
        model.compile(keras.optimizers.SGD(1e-6))
        dataset = record_dataset(
            folder, model.preprocessor, batch_size=128, shuffle=True
        )

        def on_train_batch_end(batch, logs):
            batches_seen.append(batch)
            if len(batches_seen) == stop:
                raise KeyboardInterrupt

        model.fit(
            dataset,
            epochs=epochs,
            verbose=0,
            callbacks=[
                Resume(tmp_path / "checkpoints", every=1),
                keras.callbacks.LambdaCallback(
                    on_train_batch_end=on_train_batch_end
                ),
            ],
        )
        return [np.asarray(weight) for weight in model.get_weights()]

    expected = train(epochs=2)
    batches_seen.clear()
    with pytest.raises(KeyboardInterrupt):
        train(epochs=2, stop=6)
    batches_seen.clear()
    found = train(epochs=2)
    # Of eight; the sixth was trained on and not saved.
    assert len(batches_seen) == 3
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def auto_shard(dataset, policy, worker):
    """What one of two workers reads, by the pass that `tf.distribute` runs."""
    from tensorflow.python.data.experimental.ops import distribute

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = getattr(
        tf.data.experimental.AutoShardPolicy, policy
    )
    dataset = dataset.with_options(options)
    return distribute._AutoShardDataset(dataset, 2, worker)


@pytest.mark.parametrize("policy", ["DATA", "AUTO"])
def test_workers_share_the_batches_without_duplicates(
    preprocessor, folder, policy
):
    options = {"batch_size": 16, "shuffle": True}
    whole = order(record_dataset(folder, preprocessor, **options))
    for worker in range(2):
        dataset = record_dataset(folder, preprocessor, **options)
        share = auto_shard(dataset, policy, worker)
        assert order(share) == whole[worker::2]


def test_files_are_not_shared_out(preprocessor, folder):
    share = auto_shard(record_dataset(folder, preprocessor), "FILE", 0)
    message = "Could not apply FILE based sharding"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        order(share)


def test_workers_share_batches_unless_told_otherwise(preprocessor, folder):
    options = record_dataset(folder, preprocessor).options()
    assert options.experimental_distribute.auto_shard_policy == (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    assert options.autotune.enabled is False


def test_what_is_cut_is_told(folder):
    short = tiny_preprocessor(sequence_length=16)
    with pytest.warns(UserWarning, match="of 403 pairs .* have more than"):
        record_dataset(folder, short)


@pytest.mark.parametrize(
    "other",
    [
        lambda: tiny_preprocessor().from_texts(["别的"]),
        bi_preprocessor,
    ],
    ids=["tokenizer", "prompt"],
)
def test_ids_of_another_tokenizer_are_refused(folders, other):
    message = "token ids has the token ids of another tokenizer, or of other p"
    with pytest.raises(ValueError, match=message):
        record_dataset(folders["token ids"], other())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("in order", {"shuffle": True}, "manifest.json says.*keep the order"),
        ("texts", {"batch_size": 0}, "`batch_size` must be .*batch_size=0"),
    ],
)
def test_what_does_not_fit_is_refused(
    preprocessor, folders, name, options, message
):
    with pytest.raises(ValueError, match=message):
        record_dataset(folders[name], preprocessor, **options)


def test_one_class_may_be_evaluated_alone(preprocessor, tmp_path):
    write_records([("a", "b", 1), ("c", "d", 1)], tmp_path / "r")
    with pytest.raises(ValueError, match="All 2 labels are 1: .* one class"):
        record_dataset(tmp_path / "r", preprocessor, shuffle=True)
    assert len(batches(record_dataset(tmp_path / "r", preprocessor))) == 1


def test_a_changed_shard_is_refused(preprocessor, tmp_path):
    write_records([("a", "b")] * 9, tmp_path / "r", num_shards=3)
    path = tmp_path / "r" / "data-00002-of-00003.tfrecord.gz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="data-00002.*not the file that was s"):
        record_dataset(tmp_path / "r", preprocessor)


def test_a_shard_that_changes_while_it_is_read_is_an_error(
    preprocessor, tmp_path
):
    write_records([("a", "b")] * 9, tmp_path / "r", num_shards=3)
    dataset = record_dataset(tmp_path / "r", preprocessor)
    path = tmp_path / "r" / "data-00001-of-00003.tfrecord.gz"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(tf.errors.OpError, match="r is damaged: .* again"):
        batches(dataset)


def test_what_is_read_together_is_not_the_same_in_each_epoch(tmp_path):
    pairs = [(str(number), "b") for number in range(8 * 512)]
    write_records(pairs, tmp_path / "r", num_shards=8)
    reader = RecordReader(tmp_path / "r")
    one, other = (
        set(next(reader.chunks(1024, [0, epoch])).tolist()) for epoch in (0, 1)
    )
    assert len(one) == len(other) == 1024
    assert len(one & other) < 1024


def test_a_pair_too_few_is_an_error(preprocessor, tmp_path):
    write_records([("a", "b")] * 9, tmp_path / "r", num_shards=1)
    path = tmp_path / "r" / "manifest.json"
    record = json.loads(path.read_text())
    record["num_pairs"] = record["shards"][0]["num_pairs"] = 200
    path.write_text(json.dumps(record))
    dataset = record_dataset(tmp_path / "r", preprocessor)
    message = "has chunk 0 of 9 pairs instead of 200. Write the records again"
    with pytest.raises(tf.errors.OpError, match=message):
        batches(dataset)
