"""InfoNCE against a double loop over queries and candidates."""

import keras
import numpy as np
import pytest

from semmatch._similarity import SIMILARITIES
from semmatch.losses import InfoNCE
from semmatch.losses import SimCSE
from tests.checks import json_round_trip
from tests.checks import tensorflow_only
from tests.losses.gradients import gradient
from tests.losses.replicas import on_replicas
from tests.losses.replicas import only_replica
from tests.losses.vectors import assert_close
from tests.losses.vectors import DTYPE
from tests.losses.vectors import embeddings
from tests.losses.vectors import values
from tests.test_similarity import DEFINITIONS

EACH = np.arange(6)
# Rows 0 and 2 mean the same, a negative of row 1 means what row 3 does, that
# of row 4 what its own query does; row 3 has an empty place, row 5 is empty.
IDS = np.array(
    [
        [0, 0, 10, 11],
        [1, 1, 12, 3],
        [0, 0, 13, 14],
        [3, 3, 15, -1],
        [4, 4, 4, 16],
        [-1, -1, -1, -1],
    ]
)


def by_loops(
    ids, vectors, temperature=0.05, symmetric=False, similarity="cosine"
):
    ids = np.asarray(ids)
    of_texts = ids.ndim == 2
    rows, texts = range(len(vectors)), range(1, vectors.shape[1])
    group = ids if of_texts else np.repeat(ids[:, None], len(texts) + 1, 1)
    similar = DEFINITIONS[similarity]

    def cross_entropy(own, vector, group_id, candidates):
        terms = []
        for row, text in candidates:
            exempt = (row, text) == own or (not of_texts and row == own[0])
            same = group[row, text] == group_id and not exempt
            if group[row, text] >= 0 and not same:
                score = similar(vector, vectors[row, text]) / temperature
                terms.append(np.exp(score))
        found = similar(vector, vectors[own]) / temperature
        return np.log(sum(terms)) - found

    found = np.zeros(len(vectors))
    for i in rows:
        if group[i, 0] < 0 or group[i, 1] < 0:
            continue
        passages = [(row, text) for row in rows for text in texts]
        found[i] = cross_entropy((i, 1), vectors[i, 0], group[i, 0], passages)
        if symmetric:
            queries = [(row, 0) for row in rows]
            back = cross_entropy((i, 0), vectors[i, 1], group[i, 1], queries)
            found[i] = (found[i] + back) / 2
    return found


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("texts", [2, 4])
def test_it_is_the_formula(similarity, symmetric, texts):
    vectors = embeddings(texts=texts)
    options = (0.5, symmetric, similarity)
    expected = by_loops(EACH, vectors, *options)
    assert_close(values(InfoNCE(*options), EACH, vectors), expected)
    mean = InfoNCE(*options)(EACH[:, None], vectors)
    assert float(mean) == pytest.approx(expected.mean(), rel=1e-5)


@pytest.mark.parametrize("loss", [InfoNCE, SimCSE])
def test_the_default_is_one_direction_of_cosines_at_a_twentieth(loss):
    expected = by_loops(EACH, embeddings(), 0.05, False, "cosine")
    assert_close(values(loss(), EACH, embeddings()), expected)


@pytest.mark.parametrize("symmetric", [False, True])
def test_texts_of_one_group_are_no_negatives(symmetric):
    vectors = embeddings(texts=4)
    expected = by_loops(IDS, vectors, 0.5, symmetric)
    assert (expected == 0).tolist() == [False] * 5 + [True]
    assert_close(values(InfoNCE(0.5, symmetric), IDS, vectors), expected)
    others = by_loops(np.arange(24).reshape(6, 4), vectors, 0.5, symmetric)
    assert (np.abs(others - expected) > 1e-3).all()


@pytest.mark.parametrize("symmetric", [False, True])
def test_of_an_example_s_group_its_own_negatives_count(symmetric):
    vectors, ids = embeddings(texts=3), np.array([7, 1, 7, 7, 2, -1])
    expected = by_loops(ids, vectors, 0.5, symmetric)
    assert expected[5] == 0
    assert_close(values(InfoNCE(0.5, symmetric), ids, vectors), expected)


@pytest.mark.parametrize("symmetric", [False, True])
def test_empty_places_and_rows_change_nothing(symmetric):
    vectors, loss = embeddings(texts=3), InfoNCE(0.5, symmetric)
    ids = np.array([[i, i, 10 + i] for i in range(6)])
    expected = values(loss, ids, vectors)
    wide = np.pad(ids, [(0, 2), (0, 1)], constant_values=-1)
    more = np.pad(vectors, [(0, 2), (0, 1), (0, 0)], constant_values=3.0)
    assert_close(values(loss, wide, more), [*expected, 0, 0])


def test_what_is_left_out_has_no_gradient():
    vectors = embeddings(texts=4)

    def first(x):
        return InfoNCE(0.5, reduction="none")(IDS, x)[0]

    moved = np.abs(gradient(first, vectors)).max(axis=-1) > 0
    expected = (IDS >= 0) & (IDS != 0)
    expected[:, 0] = False
    expected[0, :2] = True
    assert moved.tolist() == expected.tolist()


def test_a_group_alone_teaches_nothing():
    ids = np.zeros(6, int)
    assert float(InfoNCE(symmetric=True)(ids, embeddings())) == 0
    slopes = gradient(lambda x: InfoNCE(symmetric=True)(ids, x), embeddings())
    assert np.abs(slopes).max() == 0


def test_a_weight_of_zero_leaves_a_negative_to_the_others():
    weights = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
    expected = weights * by_loops(EACH, embeddings())
    assert_close(values(InfoNCE(), EACH, embeddings(), weights), expected)


def test_large_similarities_do_not_overflow():
    vectors = 1e3 * embeddings()
    found = InfoNCE(1e-2, similarity="dot", reduction="none")(EACH, vectors)
    similar = vectors[:, 0] @ vectors[:, 1].T / 1e-2
    # Of sums of such powers the largest alone is left.
    expected = similar.max(axis=1) - np.diag(similar)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("loss", [InfoNCE, SimCSE])
def test_one_pair_alone_is_refused(loss):
    message = f"`{loss().name}` takes the negatives.*batch of 1 pair without"
    with pytest.raises(ValueError, match=message):
        loss()([0], embeddings(batch=1))


def test_one_pair_with_negatives_is_not_alone():
    vectors = embeddings(batch=1, texts=3)
    assert_close(values(InfoNCE(), [0], vectors), by_loops([0], vectors))


@tensorflow_only
def test_one_pair_of_a_batch_of_any_size_teaches_nothing():
    import tensorflow as tf

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], "int32"),
            tf.TensorSpec([None, 2, 5], "float32"),
        ]
    )
    def loss(ids, vectors):
        return InfoNCE(symmetric=True)(ids, vectors)

    assert float(loss([0], embeddings(batch=1).astype("float32"))) == 0
    expected = by_loops(EACH, embeddings(), symmetric=True).mean()
    found = loss(EACH.astype("int32"), embeddings().astype("float32"))
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sizes", [[3, 3], [1, 3, 2], [6]])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("ids", [IDS, np.array([7, 1, 7, 3, 2, 1])])
def test_gathered_replicas_are_one_batch(sizes, symmetric, ids):
    vectors = embeddings(texts=4)

    def make(gather):
        options = {"reduction": "none", "dtype": DTYPE}
        return InfoNCE(0.5, symmetric, gather=gather, **options)

    found = on_replicas(make, ids, vectors, sizes)
    assert [len(part) for part in found] == sizes
    expected = by_loops(ids, vectors, 0.5, symmetric)
    assert_close(np.concatenate(found), expected)


def test_one_pair_of_a_replica_has_the_negatives_of_the_others():
    def make(gather):
        return InfoNCE(gather=gather, reduction="none", dtype=DTYPE)

    found = on_replicas(make, EACH[:2], embeddings(batch=2), [1, 1])
    expected = by_loops(EACH[:2], embeddings(batch=2))
    assert_close(np.concatenate(found), expected)


@pytest.mark.parametrize("gather", [None, only_replica])
def test_its_configuration_names_the_function(gather):
    assert json_round_trip(InfoNCE(gather=gather)).gather is gather


def test_keras_hands_it_the_ids():
    inputs = keras.Input((4, 5))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile(loss=InfoNCE(0.5))
    vectors = embeddings(texts=4)
    loss = model.evaluate(vectors, IDS.astype("int32"), verbose=0)
    expected = by_loops(IDS, vectors, 0.5).mean()
    assert loss == pytest.approx(expected, rel=1e-5)


def test_ids_are_told_apart_up_to_two_to_the_24():
    high = 2**24 - np.arange(6)
    found = InfoNCE(reduction="none")(high, embeddings())
    np.testing.assert_allclose(
        found, by_loops(EACH, embeddings()), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("y_true", "texts", "message"),
    [
        (EACH.astype("float32"), 2, "takes group ids, integers.*`CoSENT`"),
        (np.zeros((6, 2), "float16"), 2, "dtype float16.*`MarginMSE`"),
        (np.zeros(6, bool), 2, "dtype bool"),
        (
            np.zeros((6, 3), int),
            4,
            r"\(batch, texts\).*\(6, 3\).*\(6, 4, 5\).*`MarginMSE`",
        ),
        (EACH, 1, r"at least 2 texts.*\(6, 1, 5\). Give each query"),
    ],
)
def test_other_labels_and_texts_are_refused(y_true, texts, message):
    with pytest.raises(ValueError, match=f"`info_nce` .*{message}"):
        InfoNCE()(y_true, embeddings(texts=texts))


def test_vectors_of_texts_by_themselves_are_refused():
    with pytest.raises(ValueError, match=r"takes vectors of.*\(6, 5\)"):
        InfoNCE()(EACH, embeddings()[:, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, "`temperature` must be a finite.*temperature=0"),
        ({"similarity": "l2"}, "`similarity` must be one of.*'l2'"),
        ({"gather": True}, "`gather` must be a function.*gather=True"),
    ],
)
def test_other_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        InfoNCE(**options)


def test_sim_cse_is_info_nce_of_a_text_twice():
    ids = np.array([0, 1, 0, 3, 4, 5])
    expected = by_loops(ids, embeddings(), 0.5, True, "dot")
    assert_close(values(SimCSE(0.5, True, "dot"), ids, embeddings()), expected)


def test_sim_cse_of_negatives_is_refused():
    message = r"`sim_cse` takes each text twice.*\(6, 3, 5\).*`InfoNCE`"
    with pytest.raises(ValueError, match=message):
        SimCSE()(EACH, embeddings(texts=3))
