"""Bi-encoders that learn from queries with passages."""

import warnings

import keras
import numpy as np
import pytest

from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.data import triplet_dataset
from semmatch.data import Triplets
from semmatch.losses import InfoNCE
from semmatch.losses import MarginMSE
from semmatch.losses import Matryoshka
from semmatch.losses import SimCSE
from semmatch.losses import Triplet
from semmatch.models.list_scores import in_batch_scores
from semmatch.training import AdamW
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import to_numpy
from tests.models.bi_models import bi_model

# Texts of one meaning share no character.
TRIPLETS = Triplets(
    ["取消", "借", "怎么"] * 4,
    ["还款", "Hello", "如何"] * 4,
    [["借"], ["怎么", "取消"], []] * 4,
)


def accuracy(model, triplets=TRIPLETS):
    """How often the own positive is nearest among those of other groups."""
    queries = model.encode(triplets.anchor, side="query")
    passages = model.encode(triplets.positive)
    near = model.similarity(queries, passages)
    groups = np.array(triplets.anchor)
    return np.mean(groups[near.argmax(axis=1)] == groups)


@pytest.mark.parametrize(
    "loss",
    [
        InfoNCE(),
        *(
            pytest.param(loss, marks=pytest.mark.slow)
            for loss in (
                InfoNCE(temperature=0.1, symmetric=True),
                Triplet(margin=0.5, similarity="cosine", mining="hard"),
                Matryoshka(InfoNCE(), [2, 8]),
            )
        ),
    ],
)
def test_triplets_teach(loss):
    keras.utils.set_random_seed(0)
    model = bi_model()
    model.compile(AdamW(0.01), loss)
    history = model.fit(
        TRIPLETS,
        batch_size=6,
        epochs=10,
        validation_data=TRIPLETS[:3],
        verbose=0,
    )
    assert accuracy(model) == 1
    assert history.before["accuracy"] < 1
    assert history.history["val_accuracy"][-1] == 1
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


@pytest.mark.slow
def test_texts_alone_teach():
    keras.utils.set_random_seed(0)
    texts = ["取消", "借", "怎么", "Hello", "还款", "如何"]
    model = bi_model(tiny_encoder(num_layers=1, dropout=0.1))
    model.compile(AdamW(0.02), SimCSE())

    def spread():
        vectors = model.encode(texts)
        return (vectors @ vectors.T)[~np.eye(len(texts), dtype=bool)].mean()

    before = spread()
    with warnings.catch_warnings():
        # The two vectors of a text are one in evaluation: no collapse.
        warnings.simplefilter("error", UserWarning)
        data = Triplets.from_texts(texts)
        model.fit(data, epochs=30, validation_data=data, verbose=0)
    assert spread() < before - 0.3


@pytest.mark.slow
def test_scores_of_a_teacher_teach():
    keras.utils.set_random_seed(0)
    model = bi_model(normalize=False, similarity="dot")
    rows = TRIPLETS[[0, 1, 2]]
    scores = [[3.0, 1.0], [2.0, 0.0, -1.0], [1.0]]
    data = triplet_dataset(rows, model.preprocessor, scores=scores)
    model.compile(AdamW(0.01), MarginMSE())
    history = model.fit(data, epochs=60, verbose=0).history
    assert history["loss"][-1] < 0.05 * history["loss"][0]
    near = model.similarity(
        model.encode(rows.anchor, side="query"),
        model.encode(["还款", "借", "Hello", "怎么", "取消"]),
    )
    assert near[0, 0] - near[0, 1] == pytest.approx(2, abs=0.3)
    assert near[1, 2] - near[1, 4] == pytest.approx(3, abs=0.3)


def test_pairs_are_no_lists_and_lists_no_pairs():
    model = bi_model()
    with pytest.raises(ValueError, match="`cosent` is a loss of scored pairs"):
        model.fit(TRIPLETS, verbose=0)
    model.compile(loss=InfoNCE())
    pairs = Pairs(["取消", "取消", "借"], ["还款", "借", "Hello"], [1, 0, 1])
    dataset = pair_dataset(pairs, model.preprocessor)
    for labelled in (pairs, dataset, dataset.map(lambda *batch: batch)):
        with pytest.raises(ValueError, match="Received: labelled pairs. Pass"):
            model.fit(labelled, verbose=0)
        with pytest.raises(ValueError, match="Received: labelled pairs. Pass"):
            model.fit(TRIPLETS, validation_data=labelled, verbose=0)
        with pytest.raises(ValueError, match="Received: labelled pairs. Pass"):
            model.evaluate(labelled, verbose=0)
    model.fit(Triplets.from_pairs(pairs), verbose=0)


def test_a_cross_encoder_takes_no_triplets():
    with pytest.raises(ValueError, match="`Triplets`, which are of a `BiEnc"):
        tiny_model().fit(TRIPLETS)


def test_predict_takes_them_in_their_order():
    model = bi_model()
    outputs = model.predict(TRIPLETS, batch_size=5, verbose=0)
    assert outputs.shape == (12, 4, 8)
    np.testing.assert_allclose(
        outputs[:, 1], model.encode(TRIPLETS.positive), atol=1e-6
    )


def test_the_accuracy_leaves_out_the_own_group_and_empty_places():
    near, far = [1.0, 0.0], [0.0, 1.0]
    embeddings = np.array(
        [
            [near, [0.8, 0.6], far],  # its own negative is far
            [far, [0.6, 0.8], far],  # an empty place would win
            [near, [0.9, 0.1], near],  # its own negative wins
            [near, near, far],  # of the group of row 0, for which it would win
        ],
        "float32",
    )
    ids = np.array([[0, 0, 4], [1, 1, -1], [2, 2, 5], [0, 0, 6]], "int32")
    places, scores = map(to_numpy, in_batch_scores(ids, embeddings, "dot"))
    assert places.tolist() == [0, 2, 4, 6]
    # Row 1 finds the negatives of rows 0 and 3 first.
    assert scores[0].argmax() == 5  # the negative of row 2, at 1.0
    np.testing.assert_allclose(scores[0, [0, 2, 4, 1]], [0.8, 0.6, 0.9, 0])
    assert (scores[:, 3] == -1e9).all()
    assert scores[0, 6] == -1e9
    assert scores[3, 6] == 1
    assert scores[3, 0] == -1e9


def test_the_accuracy_of_a_teachers_rows_leaves_out_empty_places():
    embeddings = np.ones((2, 3, 2), "float32")
    scores = np.array([[1.0, np.nan], [1.0, 0.0]], "float32")
    places, found = map(to_numpy, in_batch_scores(scores, embeddings, "dot"))
    assert places.tolist() == [0, 2]
    assert found.tolist() == [[2, -1e9, 2, 2]] * 2


@pytest.mark.parametrize(
    ("similarity", "normalize", "told"),
    [("dot", False, True), ("dot", True, False), ("cosine", False, False)],
)
def test_another_similarity_than_the_models_is_told(
    similarity, normalize, told
):
    model = bi_model(normalize=normalize)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.compile(loss=Matryoshka(InfoNCE(similarity=similarity), [8]))
    messages = [
        str(w.message) for w in caught if "trains the" in str(w.message)
    ]
    assert len(messages) == told
    if told:
        assert "'dot', and the model scores by 'cosine'" in messages[0]


def test_validation_rows_of_one_meaning_are_spread_over_batches():
    # Sorted by meaning, a batch of 4 has no negative at all.
    rows = TRIPLETS[[*range(0, 12, 3), *range(1, 12, 3), *range(2, 12, 3)]]
    rows = Triplets(rows.anchor, rows.positive, [[] for _ in range(12)])
    model = bi_model()
    model.compile(loss=InfoNCE())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.evaluate(rows, batch_size=4, verbose=0)
    assert found[0] > 0
    assert model.evaluate(rows, batch_size=4, verbose=0) == found
