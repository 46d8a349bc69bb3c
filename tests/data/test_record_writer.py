"""Records hold each pair once, in a form that TensorFlow reads by itself."""

import collections
import json

import numpy as np
import pytest
import tensorflow as tf

from semmatch.data import Pairs
from semmatch.data import PairStream
from semmatch.data import read_pairs
from semmatch.data import RecordManifest
from semmatch.data import write_records
from tests.checks import tiny_preprocessor

SIZE = 500


@pytest.fixture(scope="module")
def pairs():
    """Pairs that differ; the label is the number of the row."""
    texts = [f"还款{n}" for n in range(SIZE)]
    return Pairs(texts, texts[::-1], np.arange(SIZE))


def examples(folder):
    """The pairs of each shard, by TensorFlow's own parser."""
    features = {
        "text_a": tf.io.FixedLenFeature((), tf.string),
        "text_b": tf.io.FixedLenFeature((), tf.string),
        "label": tf.io.FixedLenFeature((), tf.int64),
    }
    shards = []
    for path in sorted(folder.glob("data-*")):
        records = tf.data.TFRecordDataset(str(path), "GZIP")
        columns = tf.io.parse_example(list(records), features)
        texts = (
            [text.decode() for text in columns[name].numpy()]
            for name in ("text_a", "text_b")
        )
        labels = columns["label"].numpy().tolist()
        shards.append(list(zip(*texts, labels, strict=True)))
    return shards


def rows(pairs):
    return list(
        zip(pairs.text_a, pairs.text_b, pairs.label.tolist(), strict=True)
    )


def test_each_pair_is_written_once(pairs, tmp_path):
    manifest = write_records(pairs, tmp_path / "records", num_shards=7)
    shards = examples(tmp_path / "records")
    assert [len(shard) for shard in shards] == [
        shard["num_pairs"] for shard in manifest.shards
    ]
    assert {len(shard) for shard in shards} == {SIZE // 7, SIZE // 7 + 1}
    assert sorted(sum(shards, [])) == sorted(rows(pairs))
    assert manifest == RecordManifest.load(tmp_path / "records")
    found = sorted(path.name for path in (tmp_path / "records").iterdir())
    assert len(found) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


def test_a_shard_is_shuffled_by_the_seed(pairs, tmp_path):
    hashes = collections.defaultdict(list)
    for number, seed in enumerate([3, 3, 4]):
        folder = tmp_path / str(number)
        manifest = write_records(pairs, folder, num_shards=2, seed=seed)
        assert manifest.seed == seed
        hashes[seed].append([shard["sha256"] for shard in manifest.shards])
        for shard in examples(folder):
            labels = [row[2] for row in shard]
            assert labels != sorted(labels)
            # Of one class first and then the other, shards have both mixed.
            assert abs(np.corrcoef(labels, range(len(labels)))[0, 1]) < 0.2
    assert hashes[3][0] == hashes[3][1] != hashes[4][0]


def test_without_a_seed_pairs_stay_in_turn(pairs, tmp_path):
    manifest = write_records(pairs, tmp_path / "r", num_shards=3, seed=None)
    assert manifest.seed is None
    for number, shard in enumerate(examples(tmp_path / "r")):
        assert shard == rows(pairs)[number::3]


@pytest.mark.parametrize("num_threads", [None, 1, 3])
def test_threads_write_the_same(pairs, tmp_path, num_threads):
    folder = tmp_path / "records"
    manifest = write_records(
        pairs, folder, num_shards=5, num_threads=num_threads
    )
    one = write_records(pairs, tmp_path / "one", num_shards=5, num_threads=1)
    assert manifest == one


def test_a_preprocessor_stores_the_ids_of_whole_texts(tmp_path):
    preprocessor = tiny_preprocessor(sequence_length=8)
    long = "还款借款" * 5
    write_records(
        [(long, "取消", 0.5)], tmp_path / "r", preprocessor=preprocessor
    )
    (path,) = (tmp_path / "r").glob("data-*")
    (record,) = tf.data.TFRecordDataset(str(path), "GZIP")
    features = tf.train.Example.FromString(record.numpy()).features.feature
    tokenize = preprocessor.tokenizer.tokenize
    for name, text in (("ids_0", long), ("ids_1", "取消")):
        assert [list(features[name].int64_list.value)] == tokenize([text])
    assert list(features["label"].float_list.value) == [0.5]
    assert len(features) == 3


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 2], {"dtype": "int64", "minimum": 0, "maximum": 2}),
        ([1.0, 0.0], {"dtype": "int64", "minimum": 0, "maximum": 1}),
        ([0.25, 1], {"dtype": "float32", "minimum": 0.25, "maximum": 1.0}),
        (None, None),
    ],
)
def test_labels_are_summed_up(tmp_path, labels, expected):
    pairs = Pairs(["a", "b"], ["c", "d"], labels)
    manifest = write_records(pairs, tmp_path / "r")
    assert manifest.label == expected
    record = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert record["label"] == expected
    if expected:
        assert expected["dtype"] == pairs.label.dtype


def test_a_path_is_read_and_skipped_rows_are_counted(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("甲\t乙\t1\n丙\t\t1\n丁\t戊\t0\n", encoding="utf-8")
    with pytest.raises(ValueError, match="x.tsv, line 2: the second text is e"):
        write_records(path, tmp_path / "r")
    # Nothing is left of what failed.
    assert [file.name for file in tmp_path.iterdir()] == ["x.tsv"]
    stream = PairStream(path, on_error="skip")
    with pytest.warns(UserWarning, match="skipped 1 of 3 rows"):
        manifest = write_records(stream, tmp_path / "r")
    assert (manifest.num_pairs, manifest.num_skipped) == (2, 1)
    with pytest.warns(UserWarning, match="skipped 1 of 3 rows"):
        expected = read_pairs(path, on_error="skip")
    assert sorted(sum(examples(tmp_path / "r"), [])) == sorted(rows(expected))


def test_rows_that_were_skipped_before_are_counted(tmp_path):
    pairs = Pairs(["a"], ["b"], skipped=("x.tsv, line 2: no text.",))
    assert write_records(pairs, tmp_path / "r").num_skipped == 1


def test_what_another_has_written_meanwhile_stays(tmp_path):
    def pairs():
        yield "a", "b"
        write_records([("c", "d")], tmp_path / "r")

    with pytest.raises(FileExistsError, match="new or empty"):
        write_records(pairs(), tmp_path / "r")
    assert RecordManifest.load(tmp_path / "r").num_pairs == 1
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_generator_is_written(tmp_path):
    manifest = write_records(
        ((str(n), str(n)) for n in range(1_000)), str(tmp_path / "r")
    )
    assert (manifest.num_pairs, len(manifest.shards)) == (1_000, 64)


def test_there_are_no_empty_shards(tmp_path):
    manifest = write_records([("a", "b")] * 3, tmp_path / "r")
    assert [shard["num_pairs"] for shard in manifest.shards] == [1, 1, 1]


def test_an_error_in_a_thread_comes_out(tmp_path, monkeypatch):
    preprocessor = tiny_preprocessor()
    count = iter(range(100))

    def tokenize(*texts):
        if next(count) == 5:
            raise RuntimeError("no more")
        return type(preprocessor).tokenize(preprocessor, *texts)

    monkeypatch.setattr(preprocessor, "tokenize", tokenize)
    with pytest.raises(RuntimeError, match="no more"):
        write_records(
            [("a", "b")] * 64, tmp_path / "r", preprocessor=preprocessor
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_shards": 0}, "`num_shards` must be .*num_shards=0"),
        ({"num_threads": 1.5}, "`num_threads` must be .*num_threads=1.5"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write_records([("a", "b")], tmp_path / "r", **options)


def test_no_file_is_overwritten(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    message = "must be new or empty. .* holds notes.txt"
    with pytest.raises(FileExistsError, match=message):
        write_records([("a", "b")], tmp_path)
    (tmp_path / "notes.txt").unlink()
    assert write_records([("a", "b")], tmp_path).num_pairs == 1
    with pytest.raises(FileExistsError, match="is a file"):
        write_records([("a", "b")], tmp_path / "manifest.json")
