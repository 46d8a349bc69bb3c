"""A folder of records is whole, or says what it lacks."""

import json

import pytest

from semmatch.data import RecordManifest
from semmatch.data import write_records

PAIRS = [("甲", "乙", n % 2) for n in range(10)]


@pytest.fixture
def folder(tmp_path):
    write_records(PAIRS, tmp_path / "records", num_shards=3)
    return tmp_path / "records"


def edit(folder, **changes):
    path = folder / "manifest.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for name, value in changes.items():
        if value is None:
            del record[name]
        else:
            record[name] = value
    path.write_text(json.dumps(record), encoding="utf-8")
    return record


def test_what_is_saved_is_loaded(folder):
    manifest = RecordManifest.load(folder)
    assert manifest.num_pairs == 10
    assert manifest.label == {"dtype": "int64", "minimum": 0, "maximum": 1}
    counts = [shard["num_pairs"] for shard in manifest.shards]
    assert sorted(counts) == [3, 3, 4]
    files = sorted(folder.glob("data-*-of-00003.tfrecord.gz"))
    assert [shard["name"] for shard in manifest.shards] == [
        file.name for file in files
    ]
    assert manifest.bytes == sum(file.stat().st_size for file in files)
    assert repr(manifest) == (
        f"RecordManifest(10 pairs as texts, 3 shards, {manifest.bytes:,} "
        "bytes, 0 rows skipped)"
    )


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def change(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda path: path.unlink(), FileNotFoundError, "lacks data-00001-of"),
        (cut, ValueError, "data-00001.* it has .* bytes of "),
        (change, ValueError, "data-00001.* its SHA-256 differs"),
    ],
)
def test_a_damaged_shard_is_found(folder, damage, error, message):
    damage(folder / "data-00001-of-00003.tfrecord.gz")
    with pytest.raises(error, match=message):
        RecordManifest.load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format version 2; this semmatch reads vers"),
        ({"num_pairs": 11}, "has 11 pairs, and its shards have 10"),
        ({"num_pairs": "10"}, "wrong value of num_pairs: '10'"),
        ({"seed": None}, r"must have the keys \['label', 'num_pairs'"),
        ({"shards": [{"name": "a"}]}, "must give .*'sha256'.* of each shard"),
    ],
)
def test_another_manifest_is_refused(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(ValueError, match=message):
        RecordManifest.load(folder)


def test_a_folder_of_something_else_is_refused(tmp_path):
    message = "a folder that `write_records` wrote, with manifest.json in it"
    with pytest.raises(FileNotFoundError, match=message):
        RecordManifest.load(tmp_path)
