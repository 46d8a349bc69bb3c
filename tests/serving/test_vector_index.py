"""One class for numpy and FAISS, against each similarity's definition."""

import concurrent.futures

import numpy as np
import pytest

from semmatch import VectorIndex
from semmatch.serving import vector_index
from tests.serving.vectors import assert_finds
from tests.serving.vectors import DIM
from tests.serving.vectors import expected
from tests.serving.vectors import KINDS
from tests.serving.vectors import normal
from tests.serving.vectors import QUERIES
from tests.serving.vectors import SIMILARITIES
from tests.serving.vectors import VECTORS


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
            {"factory": "IVF4,Flat", "search_parameters": "nprobe=0"},
            ValueError,
            "`nprobe` of .* at least 1.*search_parameters='nprobe=0'",
        ),
        (
            {"factory": "HNSW16", "search_parameters": "ht=3,efSearch=0"},
            ValueError,
            "`efSearch` of .* at least 1",
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
