"""One class for numpy and FAISS, against each similarity's definition."""

import concurrent.futures
import json
import sys
import tracemalloc

import numpy as np
import pytest

from semmatch import VectorIndex
from semmatch.serving import faiss_vectors
from semmatch.serving import vector_index
from tests.checks import run_python

DIM = 8
# Tuned to look at all vectors, so that they find what there is.
KINDS = {
    "numpy": {},
    "flat": {"factory": "Flat"},
    "graph": {"factory": "HNSW16", "search_parameters": "efSearch=300"},
    "cells": {"factory": "IVF8,Flat", "search_parameters": "nprobe=8"},
    "rotated": {"factory": "RR8,IVF8,Flat", "search_parameters": "nprobe=8"},
}
SIMILARITIES = ("cosine", "dot", "euclidean")


def normal(rows, seed=0, dim=DIM):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, dim)).astype("float32")


VECTORS, QUERIES = normal(400), normal(12, seed=1)


def all_similarities(queries, vectors, similarity):
    """By definition, in float64."""
    if similarity == "cosine":
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    if similarity in ("cosine", "dot"):
        return (queries[:, None] * vectors).sum(axis=2)
    order = {"euclidean": 2, "manhattan": 1}[similarity]
    differences = np.abs(queries[:, None] - vectors)
    return -((differences**order).sum(axis=2) ** (1 / order))


def expected(queries, vectors, similarity, rows=None):
    """Similarities and rows best first, of the vectors at `rows`."""
    rows = np.arange(len(vectors)) if rows is None else np.asarray(rows)
    queries = np.asarray(queries, "float64")
    vectors = np.asarray(vectors, "float64")[rows]
    scores = all_similarities(queries, vectors, similarity)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(scores, order, axis=1), rows[order]


def assert_finds(index, queries, vectors, rows=None, k=10):
    scores, order = expected(queries, vectors, index.similarity, rows)
    similarities, found = index.search(queries, k)
    assert (similarities.dtype, found.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(found, order[:, :k])
    np.testing.assert_allclose(similarities, scores[:, :k], 1e-5, 1e-6)


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_the_nearest_are_found_best_first(kind, similarity):
    index = VectorIndex(DIM, similarity, **kind)
    rows = index.add(VECTORS[:300])
    assert (rows.dtype, rows.tolist()) == (np.int64, list(range(300)))
    assert index.add(VECTORS[300:]).tolist() == list(range(300, 400))
    assert len(index) == 400
    for k in (1, 10):
        assert_finds(index, QUERIES, VECTORS, k=k)
    # Many queries go other ways in FAISS than a few.
    assert_finds(index, normal(60, seed=2), VECTORS)


def test_manhattan_is_computed_by_numpy():
    index = VectorIndex(DIM, "manhattan")
    index.add(VECTORS)
    assert_finds(index, QUERIES, VECTORS)
    with pytest.raises(ValueError, match='"manhattan" .*factory=.Flat'):
        VectorIndex(DIM, "manhattan", factory="Flat")


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_removed_vectors_are_found_no_more(kind, similarity):
    index = VectorIndex(DIM, similarity, **kind)
    index.add(VECTORS[:300])
    # The very best of each query, so that all results change.
    best = np.unique(index.search(QUERIES, 5)[1])
    index.remove(best)
    left = np.setdiff1d(np.arange(300), best)
    assert len(index) == len(left)
    np.testing.assert_array_equal(index.rows, left)
    assert_finds(index, QUERIES, VECTORS, left)

    assert index.add(VECTORS[300:]).tolist() == list(range(300, 400))
    left = np.concatenate([left, np.arange(300, 400)])
    assert_finds(index, QUERIES, VECTORS, left)
    index.remove([399, left[0]])
    assert_finds(index, QUERIES, VECTORS, left[1:-1])


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_most_vectors_may_be_removed(kind, similarity):
    index = VectorIndex(DIM, similarity, **kind)
    index.add(VECTORS)
    for start in (0, 150, 300):  # the graph is built again on the way
        index.remove(np.arange(start, start + 99))
    left = [*range(99, 150), *range(249, 300), 399]
    assert_finds(index, QUERIES, VECTORS, left)
    index.remove(left)
    assert len(index) == 0
    similarities, rows = index.search(QUERIES, 3)
    assert similarities.shape == rows.shape == (12, 0)
    assert index.add(VECTORS[:20]).tolist() == list(range(400, 420))
    _, rows = index.search(QUERIES, 3)
    _, order = expected(QUERIES, VECTORS[:20], similarity)
    np.testing.assert_array_equal(rows - 400, order[:, :3])


def test_a_graph_forgets_removed_vectors_when_they_are_the_most():
    index = VectorIndex(DIM, factory="HNSW16")
    index.add(VECTORS)
    index.remove(np.arange(200))
    assert index._backend.index.ntotal == 400
    index.remove([200])
    assert index._backend.index.ntotal == 199


def test_a_graph_of_codes_keeps_its_codes_when_it_is_built_again():
    index = VectorIndex(DIM, "euclidean", factory="HNSW16_SQ8")
    index.add(VECTORS)
    index.search_parameters = "efSearch=400"
    left = np.arange(300, 400)
    similarities, rows = index.search(QUERIES, 400)
    before = [
        {row: s for s, row in zip(*own, strict=True) if row in left}
        for own in zip(similarities.tolist(), rows.tolist(), strict=True)
    ]
    index.remove(np.arange(300))
    similarities, rows = index.search(QUERIES, 100)
    after = [
        {row: s for s, row in zip(*own, strict=True)}
        for own in zip(similarities.tolist(), rows.tolist(), strict=True)
    ]
    assert after == [pytest.approx(own, rel=1e-5) for own in before]


@pytest.mark.parametrize("similarity", [*SIMILARITIES, "manhattan"])
def test_more_than_there_are_gives_all_of_them_ranked(similarity):
    kinds = [{}] if similarity == "manhattan" else [{}, {"factory": "Flat"}]
    for kind in kinds:
        index = VectorIndex(DIM, similarity, **kind)
        index.add(VECTORS[:30])
        index.remove([4])
        left = np.delete(np.arange(30), 4)
        for k in (29, 30, 1000):
            assert_finds(index, QUERIES, VECTORS, left, k=k)


def test_an_index_that_finds_fewer_says_so():
    index = VectorIndex(DIM, factory="IVF8,Flat")  # looks into one cell
    index.add(VECTORS)
    similarities, rows = index.search(QUERIES, 400)
    assert rows.shape == (12, 400)
    missing = rows < 0
    assert missing.any(axis=1).all() and not missing[:, 0].any()
    assert (rows[missing] == -1).all()
    assert (similarities[missing] == -np.inf).all()
    assert np.isfinite(similarities[~missing]).all()


def test_search_parameters_may_be_changed():
    index = VectorIndex(DIM, factory="IVF8,Flat", search_parameters="nprobe=1")
    index.add(VECTORS)
    assert (index.search(QUERIES, 400)[1] < 0).any()
    index.search_parameters = "nprobe=8"
    assert index.search_parameters == "nprobe=8"
    assert_finds(index, QUERIES, VECTORS, k=400)


def test_no_vectors_and_no_queries(kind):
    index = VectorIndex(DIM, **kind)
    assert index.add(np.empty((0, DIM))).tolist() == []
    index.remove([])
    assert index.search(QUERIES, 5)[1].shape == (12, 0)
    index.add(VECTORS)
    similarities, rows = index.search(np.empty((0, DIM)), 5)
    assert similarities.shape == rows.shape == (0, 5)


@pytest.mark.parametrize("form", [np.ndarray.tolist, np.asfortranarray])
def test_vectors_may_come_in_any_form(kind, form):
    index = VectorIndex(DIM, "dot", **kind)
    index.add(form(VECTORS))
    similarities, rows = index.search(form(QUERIES), 10)
    _, order = expected(QUERIES, VECTORS, "dot")
    np.testing.assert_array_equal(rows, order[:, :10])
    halves = VectorIndex(DIM, "dot", **kind)
    halves.add(VECTORS.astype("float16"))
    np.testing.assert_allclose(
        halves.search(QUERIES, 10)[0], similarities, atol=0.02
    )


def test_vectors_that_are_given_stay_as_they_are(kind):
    vectors, queries = VECTORS.copy(), QUERIES.copy()
    index = VectorIndex(DIM, **kind)
    index.add(vectors)
    index.search(queries, 3)
    np.testing.assert_array_equal(vectors, VECTORS)
    np.testing.assert_array_equal(queries, QUERIES)
    vectors[:] = 0  # and the index has its own
    assert_finds(index, QUERIES, VECTORS)


def test_a_vector_of_zeros_has_a_cosine_of_0(kind):
    index = VectorIndex(DIM, **kind)
    index.add(np.concatenate([VECTORS, np.zeros((1, DIM))]))
    similarities, rows = index.search(QUERIES, 401)
    assert similarities[rows == 400].tolist() == [0] * 12
    assert (index.search(np.zeros((1, DIM)), 401)[0] == 0).all()


def test_int8_vectors_have_cosines_alone(kind):
    vectors = np.rint(VECTORS * 30).clip(-127, 127).astype("int8")
    index = VectorIndex(DIM, **kind)
    index.add(vectors)
    similarities, _ = index.search(vectors[:12], 1)
    np.testing.assert_allclose(similarities, 1, atol=1e-6)
    for similarity in ("dot", "euclidean"):
        index = VectorIndex(DIM, similarity, **kind)
        with pytest.raises(ValueError, match=f"int8 .*{similarity}"):
            index.add(vectors)


@pytest.mark.parametrize("factory", ["Flat", "HNSW32", "IVF2,Flat"])
def test_large_sets_go_in_blocks_without_a_second_copy(monkeypatch, factory):
    monkeypatch.setattr(vector_index, "BLOCK", 2**14)
    monkeypatch.setattr(faiss_vectors, "_CENTROIDS", 1)
    vectors = normal(6000, dim=64)
    index = VectorIndex(64, factory=factory)
    # It sees what numpy has, and not what FAISS has.
    tracemalloc.start()
    index.add(vectors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < vectors.nbytes / 2
    _, rows = index.search(vectors[::100], 1)
    assert np.mean(rows[:, 0] == np.arange(0, 6000, 100)) > 0.9


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


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (normal(3, dim=7), r"shape \(n, 8\). Received: shape \(3, 7\)"),
        (normal(1)[0], r"shape \(n, 8\). Received: shape \(8,\)"),
        ([["a"] * 8], "must be numbers. Received: type <U1"),
        (np.full((2, 8), [[1.0], [np.nan]]), r"infinity in \w+\[1\]"),
        (np.full((2, 8), [[-np.inf], [1.0]]), r"infinity in \w+\[0\]"),
        (np.full((1, 8), 1e39), r"finite in float32.*\w+\[0\]"),
    ],
)
def test_what_are_no_vectors_is_refused(kind, vectors, message):
    index = VectorIndex(DIM, **kind)
    index.add(VECTORS)
    with pytest.raises(ValueError, match=f"`vectors` .*{message}"):
        index.add(vectors)
    with pytest.raises(ValueError, match=f"`queries` .*{message}"):
        index.search(vectors, 3)
    assert len(index) == 400
    assert_finds(index, QUERIES, VECTORS)


def test_a_bad_vector_in_a_late_block_adds_none(monkeypatch, kind):
    monkeypatch.setattr(vector_index, "BLOCK", 80)
    index = VectorIndex(DIM, **kind)
    vectors = VECTORS.copy()
    vectors[[333, 390]] = np.nan
    with pytest.raises(ValueError, match=r"in vectors\[333\]"):
        index.add(vectors)
    assert len(index) == 0
    index.add(VECTORS)
    assert_finds(index, QUERIES, VECTORS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([3, 400], "Received: 400, which was never added"),
        ([-1], "Received: -1, which"),
        ([5], "Received: 5, which .* is removed"),
        ([3, 4, 3], "must be distinct. Received: 2 distinct ones of 3"),
        ([1.0], "list of integers. .*type float64"),
        ([[1]], r"list of integers. .*shape \(1, 1\)"),
        ([True], "list of integers. .*type bool"),
    ],
)
def test_rows_that_are_not_there_are_refused(kind, rows, message):
    index = VectorIndex(DIM, **kind)
    index.add(VECTORS)
    index.remove([5])
    with pytest.raises(ValueError, match=message):
        index.remove(rows)
    assert_finds(index, QUERIES, VECTORS, np.delete(np.arange(400), 5))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"dim": 0}, ValueError, "`dim` .*dim=0"),
        ({"similarity": "l2"}, ValueError, "`similarity` must be one of"),
        ({"factory": "Flatt"}, ValueError, "factory='Flatt' for dim=8. FAISS"),
        ({"factory": "PQ3"}, ValueError, "factory='PQ3' for dim=8. FAISS"),
        ({"factory": "IDMap,Flat"}, ValueError, "Leave its IDMap out"),
        ({"factory": 32}, TypeError, "`factory` must be a string .*factory=32"),
        ({"search_parameters": "nprobe=1"}, ValueError, "has no `factory`"),
        (
            {"factory": "Flat", "search_parameters": "nprobe=2"},
            ValueError,
            "search_parameters='nprobe=2'. FAISS says: .*nprobe",
        ),
        (
            {"factory": "IVF4,Flat", "search_parameters": "nprobe"},
            ValueError,
            "search_parameters='nprobe'. FAISS says",
        ),
        (
            {"factory": "IVF4,Flat", "search_parameters": 4},
            TypeError,
            "`search_parameters` must be a string .*search_parameters=4",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        VectorIndex(**{"dim": DIM, **arguments})


@pytest.mark.parametrize("k", [0, -1, 2.0, None])
def test_k_is_a_count(kind, k):
    with pytest.raises(ValueError, match=f"`k` .*k={k}"):
        VectorIndex(DIM, **kind).search(QUERIES, k)


def test_too_few_vectors_to_train_are_refused():
    index = VectorIndex(DIM, factory="IVF64,Flat")
    with pytest.raises(ValueError, match="Received: 30. Add more .*FAISS says"):
        index.add(VECTORS[:30])
    assert len(index) == 0
    index.add(VECTORS)
    index.add(VECTORS[:1])  # trained by now
    assert len(index) == 401


def test_a_training_takes_a_sample_of_many_vectors(monkeypatch):
    index = VectorIndex(DIM, factory="IVF8,Flat")
    monkeypatch.setattr(faiss_vectors, "_CENTROIDS", 1)
    sizes = []
    train = index._backend.index.train
    monkeypatch.setattr(
        index._backend.index,
        "train",
        lambda vectors: (sizes.append(len(vectors)), train(vectors)),
    )
    index.add(normal(3000))
    assert sizes == [8 * 256]
    assert len(index) == 3000


@pytest.mark.parametrize("factory", ["IVF8,Flat,RFlat", "NSG8"])
def test_a_kind_that_cannot_remove_says_so(factory):
    index = VectorIndex(DIM, factory=factory)
    index.add(VECTORS)
    assert not index.can_remove
    with pytest.raises(ValueError, match=f"removed from .*{factory}"):
        index.remove([0])
    assert len(index) == 400


def test_kinds_that_can_remove_say_so(kind):
    assert VectorIndex(DIM, **kind).can_remove


def test_searches_may_run_in_several_threads(kind):
    index = VectorIndex(DIM, **kind)
    index.add(VECTORS)
    index.remove(np.arange(50))
    left = np.arange(50, 400)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(assert_finds, index, QUERIES, VECTORS, left)
            for _ in range(40)
        ]
        for job in jobs:
            job.result()


def test_without_faiss_numpy_searches_and_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    index = VectorIndex(DIM)
    index.add(VECTORS)
    assert_finds(index, QUERIES, VECTORS)
    with pytest.raises(ImportError, match=r"install 'semmatch\[retrieval\]'"):
        VectorIndex(DIM, factory="Flat")


@pytest.mark.parametrize("first", ["faiss", "tensorflow"])
def test_faiss_works_beside_tensorflow_and_onnxruntime(first):
    code = f"""
import {first}
import sys
import numpy as np, onnxruntime, tensorflow as tf
from onnx import TensorProto, helper
from semmatch import VectorIndex

ones = np.ones((300, 300), "float32")
value = helper.make_tensor_value_info
node = helper.make_node("MatMul", ["a", "a"], ["b"])
a, b = (value(name, TensorProto.FLOAT, [300, 300]) for name in "ab")
graph = helper.make_graph([node], "product", [a], [b])
opsets = [helper.make_opsetid("", 18)]
model = helper.make_model(graph, ir_version=9, opset_imports=opsets)
session = onnxruntime.InferenceSession(model.SerializeToString())
index = VectorIndex(64, factory="HNSW16")
vectors = np.random.default_rng(0).normal(size=(3000, 64)).astype("float32")
index.add(vectors)
for _ in range(3):
    assert index.search(vectors[:200], 1)[1][:, 0].tolist() == list(range(200))
    assert (tf.matmul(ones, ones).numpy() == 300).all()
    assert (session.run(None, {{"a": ones}})[0] == 300).all()
print("ok", file=sys.stdout)
"""
    assert run_python(code).split()[-1] == "ok"
