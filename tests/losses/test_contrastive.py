"""Contrastive losses against loops over the pairs of a batch."""

import numpy as np
import pytest

from semmatch.losses import Contrastive
from semmatch.losses import OnlineContrastive
from semmatch.losses.contrastive import DISTANCES
from tests.losses.gradients import gradient
from tests.losses.vectors import assert_close
from tests.losses.vectors import embeddings
from tests.losses.vectors import values
from tests.test_similarity import DEFINITIONS

LABELS = np.array([0, 1, 1, 0, 0, 1])


def near(seed=23):
    """Pairs whose distances are about the margins that are tried."""
    vectors = embeddings(seed=seed)
    vectors[:, 1] = vectors[:, 0] + 0.5 * vectors[:, 1]
    return vectors.astype("float32").astype("float64")


def distances(vectors, similarity="cosine"):
    similar = [DEFINITIONS[similarity](row[0], row[1]) for row in vectors]
    return float(similarity == "cosine") - np.array(similar)


def contrastive(labels, vectors, margin=0.5, similarity="cosine"):
    d = distances(vectors, similarity)
    push = np.maximum(margin - d, 0) ** 2
    return 0.5 * (labels * d**2 + (1 - labels) * push)


def online(labels, vectors, margin=0.5, similarity="cosine"):
    """Of each pair, as sentence-transformers does with two of each label."""
    d = distances(vectors, similarity)
    together, apart = d[labels == 1], d[labels == 0]
    limit = together.max() if len(together) else apart.mean()
    floor = apart.min() if len(apart) else together.mean()
    found = np.zeros(len(d))
    for i, label in enumerate(labels):
        if label == 1 and d[i] > floor:
            found[i] = d[i] ** 2
        if label == 0 and d[i] < limit:
            found[i] = max(margin - d[i], 0) ** 2
    return found


@pytest.mark.parametrize("similarity", DISTANCES)
@pytest.mark.parametrize("margin", [0.1, 2.0])
@pytest.mark.parametrize(
    ("loss", "by_loops"),
    [(Contrastive, contrastive), (OnlineContrastive, online)],
)
def test_it_is_the_formula(loss, by_loops, margin, similarity):
    expected = by_loops(LABELS, near(), margin, similarity)
    assert np.count_nonzero(expected) > 0
    loss = loss(margin, similarity)
    assert_close(values(loss, LABELS, near()), expected)
    mean = loss(LABELS[:, None], near())
    assert float(mean) == pytest.approx(expected.mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("loss", "by_loops"),
    [(Contrastive, contrastive), (OnlineContrastive, online)],
)
def test_the_default_is_a_cosine_and_a_margin_of_a_half(loss, by_loops):
    expected = by_loops(LABELS, near(), 0.5, "cosine")
    assert_close(values(loss(), LABELS, near()), expected)
    assert (loss.label_range, loss().name) == (
        (0, 1),
        "contrastive" if loss is Contrastive else "online_contrastive",
    )


def test_graded_labels_share_out_both_terms():
    grades = np.array([0.25, 1.0, 0.5, 0.0, 0.75, 1.0])
    expected = contrastive(grades, near())
    assert_close(values(Contrastive(), grades, near()), expected)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("seed", range(4))
def test_of_one_label_the_mean_tells_what_is_hard(label, seed):
    labels = np.full(6, label)
    expected = online(labels, near(seed), margin=2.0)
    assert 0 < np.count_nonzero(expected) < 6
    assert_close(values(OnlineContrastive(2.0), labels, near(seed)), expected)


def test_pairs_in_order_are_not_hard():
    vectors = near()
    order = np.argsort(distances(vectors))
    labels = np.zeros(6, int)
    labels[order[:3]] = 1
    assert float(OnlineContrastive(2.0)(labels, vectors)) == 0
    assert float(Contrastive(2.0)(labels, vectors)) > 0


@pytest.mark.parametrize("loss", [Contrastive(), OnlineContrastive()])
@pytest.mark.parametrize("label", [-1, 5])
def test_other_labels_tell(loss, label):
    labels = [0, 1, label, 0, 0, 1]
    found = np.isnan(values(loss, labels, near()))
    assert found.tolist() == [False, False, True, False, False, False]


def test_a_grade_between_is_none_of_the_hard_ones():
    labels = [0, 1, 0.5, 0, 0, 1]
    assert np.isnan(values(OnlineContrastive(), labels, near())[2])


def test_weights_multiply_the_values():
    weights = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
    expected = contrastive(LABELS, near()) * weights
    assert_close(values(Contrastive(), LABELS, near(), weights), expected)


@pytest.mark.parametrize("labels", [LABELS, np.ones(6, int), np.zeros(6, int)])
@pytest.mark.parametrize("seed", range(4))
def test_a_weight_counts_a_pair_so_many_times(labels, seed):
    vectors, weights = near(seed), np.array([1, 2, 0, 3, 1, 0])
    rows = np.repeat(np.arange(6), weights)
    expected = online(labels[rows], vectors[rows], margin=2.0)
    loss = OnlineContrastive(2.0)
    found = values(loss, labels, vectors, weights[:, None]).ravel()
    assert_close(found.sum(), expected.sum())
    assert (found[weights == 0] == 0).all()
    by_weight = OnlineContrastive(2.0, reduction="mean_with_sample_weight")
    assert float(by_weight(labels, vectors, weights)) == pytest.approx(
        expected.mean(), rel=1e-4
    )


def test_a_pair_of_weight_zero_makes_no_other_one_hard():
    vectors = near()
    d = distances(vectors)
    labels = np.zeros(6, int)
    labels[d.argmax()] = 1
    weights = np.ones(6)
    assert float(OnlineContrastive(2.0)(labels, vectors, weights)) > 0
    labels[d.argmin()], weights[d.argmax()] = 1, 0
    assert float(OnlineContrastive(2.0)(labels, vectors, weights)) == 0


def test_which_are_hard_has_no_gradient():
    # The farthest match sets the limit, and is no reason to move others.
    slopes = gradient(lambda x: OnlineContrastive(2.0)(LABELS, x), near())
    moved = np.abs(slopes).max(axis=(1, 2)) > 0
    assert moved.tolist() == (online(LABELS, near(), 2.0) > 0).tolist()


@pytest.mark.parametrize("loss", [Contrastive, OnlineContrastive])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": 0}, "`margin` must be a finite number above 0.*margin=0"),
        ({"similarity": "dot"}, "`similarity` must be one of.*'cosine'.*'dot'"),
    ],
)
def test_other_options_are_refused(loss, options, message):
    with pytest.raises(ValueError, match=message):
        loss(**options)
