"""A vector index is saved and loaded whole, or an error names the file."""

import json

import numpy as np
import pytest

from semmatch import VectorIndex
from semmatch.serving import vector_index
from tests.serving.vectors import assert_finds
from tests.serving.vectors import DIM
from tests.serving.vectors import KINDS
from tests.serving.vectors import QUERIES
from tests.serving.vectors import SIMILARITIES
from tests.serving.vectors import VECTORS


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("removed", [0, 30, 250])
def test_a_saved_index_is_the_same(tmp_path, kind, similarity, removed):
    index = VectorIndex(DIM, similarity, **kind)
    index.add(VECTORS)
    index.remove(np.arange(removed))
    folder = tmp_path / "index"
    index.save(folder)
    loaded = VectorIndex.load(str(folder))
    for name in ("dim", "similarity", "factory", "search_parameters"):
        assert getattr(loaded, name) == getattr(index, name)
    assert len(loaded) == 400 - removed
    left = np.arange(removed, 400)
    assert_finds(loaded, QUERIES, VECTORS, left)
    # And goes on as it would have.
    more = np.concatenate([VECTORS, QUERIES])
    assert loaded.add(QUERIES).tolist() == list(range(400, 412))
    loaded.remove([removed, 400])
    left = np.setdiff1d(np.arange(removed + 1, 412), [400])
    assert_finds(loaded, QUERIES, more, left)


def test_search_parameters_that_faiss_does_not_save_are_set_again(tmp_path):
    index = VectorIndex(
        DIM, factory="IVF8,Flat", search_parameters="nprobe=8,max_codes=60"
    )
    index.add(VECTORS)
    found = index.search(QUERIES, 400)[1]
    assert (found < 0).any(axis=1).all()
    index.save(tmp_path)
    loaded = VectorIndex.load(tmp_path).search(QUERIES, 400)[1]
    np.testing.assert_array_equal(loaded, found)


def test_an_empty_index_may_be_saved(tmp_path, kind):
    VectorIndex(DIM, **kind).save(tmp_path)
    index = VectorIndex.load(tmp_path)
    assert len(index) == 0
    index.add(VECTORS)
    assert_finds(index, QUERIES, VECTORS)


def test_a_save_that_fails_leaves_the_old_one(tmp_path, monkeypatch, kind):
    index = VectorIndex(DIM, **kind)
    index.add(VECTORS)
    index.save(tmp_path / "index")
    index.add(QUERIES)

    def fail(path):
        raise OSError("disk full")

    monkeypatch.setattr(vector_index, "file_digest", fail)
    with pytest.raises(OSError, match="disk full"):
        index.save(tmp_path / "index")
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
    assert_finds(VectorIndex.load(tmp_path / "index"), QUERIES, VECTORS)


@pytest.mark.parametrize("name", ["vectors.npy", "vector_rows.npy"])
def test_damaged_files_of_numpy_are_named(tmp_path, name):
    check_damage(tmp_path, VectorIndex(DIM), name)


@pytest.mark.parametrize("name", ["vectors.faiss", "vector_rows.npy"])
def test_damaged_files_of_faiss_are_named(tmp_path, name):
    check_damage(tmp_path, VectorIndex(DIM, factory="HNSW16"), name)


def check_damage(folder, index, name):
    index.add(VECTORS)
    index.save(folder)
    file = folder / name
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{name} is not .* bytes of"):
        VectorIndex.load(folder)
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match=f"{name} is not .* SHA-256"):
        VectorIndex.load(folder)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=f"lacks {name}"):
        VectorIndex.load(folder)


@pytest.mark.parametrize("factory", [None, "Flat"])
def test_a_record_of_another_width_is_refused(tmp_path, factory):
    index = VectorIndex(DIM, factory=factory)
    index.add(VECTORS)
    index.save(tmp_path)
    path = tmp_path / "vector_index.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "dim": 9}))
    message = r"vectors\.\w+ holds \(400, 8\) .*Expected \(400, 9\)"
    with pytest.raises(ValueError, match=message):
        VectorIndex.load(tmp_path)
    path.write_text(json.dumps({**record, "format_version": 2}))
    with pytest.raises(ValueError, match="format version 2"):
        VectorIndex.load(tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path):
    message = "`VectorIndex.save` wrote, with vector_index.json in it"
    with pytest.raises(FileNotFoundError, match=message):
        VectorIndex.load(tmp_path)
