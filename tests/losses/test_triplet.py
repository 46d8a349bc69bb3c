"""Triplets against loops, and mined ones against a search of all of them."""

import numpy as np
import pytest

from semmatch._similarity import SIMILARITIES
from semmatch.losses import Triplet
from tests.losses.gradients import gradient
from tests.losses.vectors import assert_close
from tests.losses.vectors import embeddings
from tests.losses.vectors import values
from tests.test_similarity import DEFINITIONS

EACH = np.arange(6)
# A negative that means what its query does, an empty place, a row without
# negatives, and one without a positive.
IDS = np.array(
    [
        [0, 0, 10, 11],
        [1, 1, 12, 1],
        [2, 2, -1, 14],
        [0, 0, -1, -1],
        [4, -1, 15, 16],
        [5, 5, 2, 17],
    ]
)


def of_rows(ids, vectors, margin=0.2, similarity="cosine"):
    similar = DEFINITIONS[similarity]
    found = []
    for own, row in zip(ids, vectors, strict=True):
        terms = [
            max(similar(row[0], row[n]) - similar(row[0], row[1]) + margin, 0)
            for n in range(2, len(row))
            if min(own[0], own[1], own[n]) >= 0 and own[n] != own[0]
        ]
        found.append(np.mean(terms) if terms else 0.0)
    return np.array(found)


def mined(ids, vectors, mining, margin=0.2, similarity="cosine"):
    """Of each text the triplets it is the anchor of, by their definitions."""
    ids, texts = ids.ravel(), vectors.reshape(-1, vectors.shape[-1])
    similar = [[DEFINITIONS[similarity](a, b) for b in texts] for a in texts]
    terms = []
    for a in range(len(ids)):
        positives = [
            p for p in range(len(ids)) if ids[p] == ids[a] >= 0 and p != a
        ]
        negatives = [
            similar[a][n]
            for n in range(len(ids))
            if ids[n] != ids[a] and min(ids[n], ids[a]) >= 0
        ]
        pairs = [similar[a][p] for p in positives] if negatives else []
        if mining == "hard" and pairs:
            chosen = [(min(pairs), max(negatives))]
        else:
            chosen = []
            for pair in pairs:
                beyond = [negative for negative in negatives if negative < pair]
                chosen.append((pair, max(beyond, default=min(negatives))))
        terms.append([max(n - p + margin, 0) for p, n in chosen])
    return terms


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("texts", [3, 4])
def test_the_negatives_of_a_row_are_its_own(similarity, texts):
    vectors = embeddings(texts=texts)
    distinct = np.arange(6 * texts).reshape(6, texts)
    distinct[:, 1] = distinct[:, 0]
    expected = of_rows(distinct, vectors, 0.5, similarity)
    loss = Triplet(0.5, similarity)
    assert_close(values(loss, distinct, vectors), expected)
    # Of one id for a row all of its negatives count.
    assert_close(values(loss, np.zeros(6, int), vectors), expected)
    mean = loss(EACH[:, None], vectors)
    assert float(mean) == pytest.approx(expected.mean(), rel=1e-5)


def test_the_default_is_a_cosine_and_a_margin_of_a_fifth():
    vectors = embeddings(texts=4, seed=2)
    expected = of_rows(IDS, vectors, 0.2, "cosine")
    assert (expected[3], expected[4]) == (0, 0)
    assert np.count_nonzero(expected) >= 3
    assert_close(values(Triplet(), IDS, vectors), expected)


def test_empty_places_and_the_own_group_have_no_gradient():
    vectors = embeddings(texts=4)
    slopes = gradient(lambda x: Triplet(5.0)(IDS, x), vectors)
    moved = np.abs(slopes).max(axis=-1) > 0
    expected = IDS >= 0
    expected[1, 3] = False
    expected[3:5] = False
    assert moved.tolist() == expected.tolist()


@pytest.mark.parametrize("mining", ["hard", "semi_hard"])
@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("seed", range(3))
def test_mined_triplets_are_those_of_all_texts(mining, similarity, seed):
    random = np.random.default_rng(seed)
    ids = random.integers(-1, 4, (5, 3))
    vectors = embeddings(5, 3, seed=seed)
    terms = mined(ids, vectors, mining, 0.5, similarity)
    totals = np.array([sum(own) for own in terms]).reshape(5, 3).sum(axis=1)
    count = sum(map(len, terms))
    assert count > 0
    loss = Triplet(0.5, similarity, mining)
    assert_close(values(loss, ids, vectors), totals * 5 / count)
    everything = [term for own in terms for term in own]
    mean = loss(ids, vectors)
    assert float(mean) == pytest.approx(np.mean(everything), rel=1e-4)


@pytest.mark.parametrize("mining", ["hard", "semi_hard"])
@pytest.mark.parametrize("texts", [1, 2])
def test_an_id_may_be_that_of_both_texts(mining, texts):
    ids, vectors = np.array([3, 1, 3, 1, 3, 2]), embeddings(texts=texts)
    terms = mined(np.repeat(ids[:, None], texts, 1), vectors, mining)
    expected = np.mean([term for own in terms for term in own])
    assert float(Triplet(mining=mining)(ids, vectors)) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("mining", ["hard", "semi_hard"])
def test_texts_without_positive_or_negative_are_no_anchors(mining):
    loss = Triplet(5.0, mining=mining)
    vectors = embeddings(texts=1)
    assert (values(loss, EACH, vectors) == 0).all()
    assert (values(loss, np.zeros(6, int), vectors) == 0).all()
    found = values(loss, np.array([0, 0, 1, 2, 3, -1]), vectors)
    assert (found > 0).tolist() == [True, True, False, False, False, False]


def test_semi_hard_is_strictly_beyond_the_positive():
    # Of the first text, the positive and one negative are equally far.
    angles = np.array([0.0, 1.0, -1.0, 1.2])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=-1)[:, None]
    vectors[2, 0] = vectors[1, 0] * [1, -1]
    ids = np.array([0, 0, 1, 1])
    loss = Triplet(5.0, mining="semi_hard")
    terms = mined(ids, vectors, "semi_hard", 5.0)
    similar = np.cos(1.2) - np.cos(1.0)
    assert terms[0] == [pytest.approx(5 + similar)]
    assert_close(values(loss, ids, vectors), np.ravel(terms))


@pytest.mark.parametrize("mining", ["hard", "semi_hard"])
def test_a_weight_is_that_of_the_anchors(mining):
    ids = np.array([0, 0, 0, 1, 1, 1])
    weights = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
    vectors, loss = embeddings(texts=1), Triplet(5.0, mining=mining)
    terms = mined(ids, vectors, mining, 5.0)
    count = sum(map(len, terms))
    expected = weights * [sum(own) * 6 / count for own in terms]
    assert_close(values(loss, ids, vectors, weights), expected)


@pytest.mark.parametrize("mining", ["hard", "semi_hard"])
def test_the_negative_moves_as_well(mining):
    ids = np.array([0, 0, 1, -1])
    slopes = gradient(
        lambda x: Triplet(5.0, mining=mining)(ids, x),
        embeddings(4, texts=1),
    )
    moved = np.abs(slopes).max(axis=(1, 2)) > 0
    assert moved.tolist() == [True, True, True, False]


@pytest.mark.parametrize("mining", ["hard", "semi_hard"])
def test_mining_compares_the_examples_of_a_batch(mining):
    assert Triplet(mining=mining).batch_level
    assert not Triplet().batch_level


@pytest.mark.parametrize(
    ("mining", "y_true", "texts", "message"),
    [
        (None, EACH, 2, r"at least 3 texts.*\(6, 2, 5\). Without `mining`"),
        (None, EACH.astype("float32"), 3, "takes group ids.*dtype float32"),
        ("hard", np.zeros((6, 2), int), 3, r"\(batch, texts\).*\(6, 2\)"),
        ("hard", EACH, 3, r"mining='hard' needs to know.*one id.*\(6, 3, 5\)"),
        ("semi_hard", EACH, 3, "mining='semi_hard' needs to know"),
    ],
)
def test_other_labels_and_texts_are_refused(mining, y_true, texts, message):
    with pytest.raises(ValueError, match=f"`triplet` .*{message}"):
        Triplet(mining=mining)(y_true, embeddings(texts=texts))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": -1}, "`margin` must be a finite number above 0"),
        ({"similarity": "l2"}, "`similarity` must be one of.*'l2'"),
        ({"mining": "easy"}, "`mining` must be one of.*'hard'.*'easy'"),
    ],
)
def test_other_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Triplet(**options)
