"""What FAISS alone does: graphs, training, memory, other libraries."""

import sys
import tracemalloc

import faiss
import numpy as np
import pytest

from semmatch import VectorIndex
from semmatch.serving import faiss_vectors
from semmatch.serving import vector_index
from tests.checks import run_python
from tests.serving.vectors import assert_finds
from tests.serving.vectors import DIM
from tests.serving.vectors import normal
from tests.serving.vectors import QUERIES
from tests.serving.vectors import VECTORS


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


def test_a_graph_looks_at_as_many_of_the_living_as_before():
    index = VectorIndex(DIM, factory="HNSW16", search_parameters="efSearch=20")
    index.add(VECTORS)
    assert index._backend._parameters(10) is None
    index.remove(np.arange(150))
    assert index._backend._parameters(10).efSearch == 20 * 400 / 250
    assert index._backend._parameters(100).efSearch == 100 * 400 / 250


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


def test_search_parameters_that_cannot_be_change_nothing():
    index = VectorIndex(DIM, factory="IVF8,Flat", search_parameters="nprobe=1")
    index.add(VECTORS)
    before = index.search(QUERIES, 400)
    with pytest.raises(ValueError, match="FAISS says: .*foo"):
        index.search_parameters = "nprobe=8,foo=2"
    with pytest.raises(ValueError, match="None in place of 'nprobe=1'"):
        index.search_parameters = None
    assert index.search_parameters == "nprobe=1"
    for found, expected in zip(index.search(QUERIES, 400), before, strict=True):
        np.testing.assert_array_equal(found, expected)


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


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("factory", ["IVF8,Flat", "IVF4,PQ2x4", "HNSW8"])
def test_vectors_that_are_ready_make_the_index_of_faiss(
    monkeypatch, factory, similarity
):
    monkeypatch.setattr(faiss_vectors, "_CENTROIDS", 1)
    vectors = normal(3000)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = VectorIndex(DIM, similarity, factory=factory)
    index.add(vectors)
    plain = faiss.index_factory(DIM, factory, faiss.METRIC_INNER_PRODUCT)
    plain.train(vectors)
    plain.add(vectors)
    queries = vectors[::100]
    expected = plain.search(queries, 9)
    for found, own in zip(index.search(queries, 9), expected, strict=True):
        np.testing.assert_array_equal(found, own)


@pytest.mark.parametrize("factory", ["IVF8,Flat,RFlat", "NSG8"])
def test_a_kind_that_cannot_remove_says_so(factory):
    index = VectorIndex(DIM, factory=factory)
    index.add(VECTORS)
    assert not index.can_remove
    with pytest.raises(ValueError, match=f"removed from .*{factory}"):
        index.remove([0])
    assert len(index) == 400


def test_without_faiss_numpy_searches_and_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    index = VectorIndex(DIM)
    index.add(VECTORS)
    assert_finds(index, QUERIES, VECTORS)
    with pytest.raises(ImportError, match=r"install 'semmatch\[retrieval\]'"):
        VectorIndex(DIM, factory="Flat")


@pytest.mark.slow
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
