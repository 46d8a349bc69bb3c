"""Training, evaluation and calibration of a tiny bi-encoder."""

import keras
import numpy as np
import pytest

from semmatch import Scoring
from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.evaluation import choose_threshold
from semmatch.evaluation import roc_auc
from semmatch.losses import CoSENT
from semmatch.losses import CrossEntropy
from semmatch.losses import LossSum
from semmatch.losses import Matryoshka
from semmatch.metrics import F1
from semmatch.models import raw_texts
from semmatch.training import AdamW
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.checks import to_numpy
from tests.losses.test_cosent import by_loops
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor
from tests.models.bi_models import topic_pairs

PAIRS = topic_pairs()
TEXTS = (PAIRS.text_a, PAIRS.text_b)


def area(model, pairs=PAIRS):
    return roc_auc(pairs.label, model.pair_scorer().logits(pairs)[:, 0])


@pytest.fixture(scope="module")
def trained():
    """A model after a training with everything, and what `fit` returned."""
    keras.utils.set_random_seed(0)
    model = bi_model(preprocessor=bi_preprocessor(query_prompt="如何"))
    model.compile(AdamW(0.01))
    before = area(model)
    history = model.fit(
        TEXTS,
        PAIRS.label,
        batch_size=24,
        epochs=12,
        validation_data=PAIRS,
        verbose=0,
    )
    return model, before, history


@pytest.mark.slow
def test_raw_texts_teach(trained):
    model, before, history = trained
    assert before < 0.8
    assert area(model) == 1
    assert history.history["loss"][-1] < 0.2 * history.history["loss"][0]
    assert history.before["auc"] == pytest.approx(before, abs=0.02)
    assert history.history["val_auc"][-1] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_that_of_the_vectors(similarity, weighted):
    model = bi_model(similarity=similarity)
    weights = np.linspace(0, 2, len(PAIRS)) if weighted else None
    loss = model.evaluate(
        TEXTS,
        PAIRS.label,
        batch_size=len(PAIRS),
        sample_weight=weights,
        verbose=0,
        return_dict=True,
    )["loss"]
    vectors = np.stack([model.encode(texts) for texts in TEXTS], axis=1)
    expected = by_loops(PAIRS.label, vectors, 20.0, similarity, weights)
    assert loss == pytest.approx(expected, rel=1e-4)


def test_metrics_read_scores():
    model = bi_model(scoring=Scoring("sigmoid", 0.01, -96.5))
    model.compile(metrics=["accuracy", "mse", F1()])
    result = model.evaluate(PAIRS, verbose=0, return_dict=True)
    scores, label = model.score(PAIRS), PAIRS.label
    assert 0 < np.mean(scores > 0.5) < 1
    assert result["accuracy"] == pytest.approx(np.mean((scores > 0.5) == label))
    expected = np.mean((scores - label) ** 2)
    assert result["mse"] == pytest.approx(expected, rel=1e-4)
    # And those of another scoring, once it is there.
    model.scoring = Scoring("cosine")
    result = model.evaluate(PAIRS, verbose=0, return_dict=True)
    expected = np.mean((model.score(PAIRS) - label) ** 2)
    assert result["mse"] == pytest.approx(expected, rel=1e-4)


def test_the_area_tells_cosines_near_one_apart():
    # As of an encoder that nobody trained for it.
    model = bi_model(projection_dim=8)
    kernel, bias = model.get_layer("projection").weights
    kernel.assign(np.eye(8))
    bias.assign(np.full(8, 1.5))
    cosines = np.unique(model.pair_scorer().logits(PAIRS).round(3))
    assert len(cosines) == 6
    assert cosines.min() > 0.97
    found = model.evaluate(PAIRS, verbose=0, return_dict=True)["auc"]
    assert found == pytest.approx(area(model), abs=1e-3)


@pytest.mark.parametrize(
    ("similarity", "normalize", "names"),
    [
        ("cosine", False, {"loss", "auc"}),
        ("dot", True, {"loss", "auc"}),
        ("euclidean", True, {"loss", "auc"}),
        ("manhattan", True, {"loss"}),
        ("dot", False, {"loss"}),
        ("euclidean", False, {"loss"}),
    ],
)
def test_scores_that_may_all_be_0_or_1_have_no_area(
    similarity, normalize, names
):
    model = bi_model(similarity=similarity, normalize=normalize)
    metrics = {metric.name for metric in model.default_metrics()}
    assert metrics | {"loss"} == names
    assert type(model.loss) is CoSENT
    assert model.loss.similarity == similarity
    assert type(model.optimizer) is AdamW


def test_a_dataset_trains_as_its_texts_do(monkeypatch):
    asked = []

    def spy(*args, **kwargs):
        asked.append(kwargs)
        return pair_dataset(*args, **kwargs)

    monkeypatch.setattr(raw_texts, "pair_dataset", spy)
    kernels = []
    for form in ("texts", "dataset"):
        model = bi_model()
        x, y, weight = TEXTS, PAIRS.label, np.linspace(0, 2, len(PAIRS))
        if form == "dataset":
            options = {**asked[0], "batch_size": 16}
            x = pair_dataset(PAIRS, model.preprocessor, **options)
            y = weight = None
        model.compile(run_eagerly=True)
        model.fit(x, y, 16, weight, verbose=0)
        kernels.append(model.backbone.get_weights()[0])
    (options,) = asked
    assert (options["batch_size"], options["shuffle"]) == (16, True)
    np.testing.assert_allclose(kernels[0], kernels[1], atol=1e-6)
    assert np.abs(kernels[0] - bi_model().backbone.get_weights()[0]).max() > 0


def test_pairs_of_weight_zero_teach_nothing():
    model = bi_model()
    before = model.backbone.get_layer("block_0").query.bias
    before = to_numpy(before).copy()  # which does not decay
    model.compile(AdamW(0.01), run_eagerly=True)
    for factor in (0.0, 1.0):
        weight = np.full(len(PAIRS), factor)
        model.fit(TEXTS, PAIRS.label, sample_weight=weight, verbose=0)
        after = to_numpy(model.backbone.get_layer("block_0").query.bias)
        moved = np.abs(after - before).max()
        assert (moved > 1e-3) == bool(factor)


@pytest.mark.slow
def test_a_training_with_opposite_labels_is_told(trained):
    model = bi_model(preprocessor=trained[0].preprocessor)
    model.set_weights(trained[0].get_weights())
    model.compile(AdamW(0.02), run_eagerly=True)
    opposite = Pairs(*TEXTS, 1 - PAIRS.label)
    with pytest.warns(UserWarning, match="mean the opposite|model worse"):
        model.fit(opposite, None, 8, epochs=2, validation_data=PAIRS, verbose=0)


@pytest.mark.parametrize(
    "loss",
    [
        "mse",
        CrossEntropy(),
        keras.losses.BinaryCrossentropy(),
        LossSum([CoSENT(), CrossEntropy()]),
        Matryoshka(CrossEntropy(), [8]),
    ],
)
def test_a_loss_of_logits_is_refused(loss):
    with pytest.raises(ValueError, match="returns vectors.*CoSENT"):
        bi_model().compile(loss=loss)


@pytest.mark.slow
@tensorflow_only
@pytest.mark.parametrize(
    "options",
    [
        {"adversarial_epsilon": 0.1, "activation_checkpointing": False},
        {"activation_checkpointing": True},
    ],
)
def test_other_steps_teach_as_well(options):
    keras.utils.set_random_seed(0)
    model = bi_model()
    model.compile(AdamW(0.01), **options)
    block = model.backbone.get_layer("block_0")
    assert block.activation_checkpointing == options["activation_checkpointing"]
    history = model.fit(PAIRS, batch_size=24, epochs=6, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]


@pytest.mark.parametrize("pooling", ["mean", "pooler"])
def test_mixed_bfloat16_gives_float32(pooling):
    encoder = tiny_encoder(num_layers=1, dtype="mixed_bfloat16")
    model = bi_model(encoder, pooling=pooling)
    assert encoder.get_layer("block_0").query.compute_dtype == "bfloat16"
    features = model.preprocessor.pack(PAIRS.text_a[:2], PAIRS.text_b[:2])
    vectors = model(features)
    assert keras.backend.standardize_dtype(vectors.dtype) == "float32"
    lengths = np.linalg.norm(to_numpy(vectors), axis=-1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-6)
    assert {v.dtype for v in model.trainable_weights} == {"float32"}


def test_vectors_of_zeros_do_not_end_a_training():
    model = bi_model(projection_dim=3)
    projection = model.get_layer("projection")
    projection.set_weights([np.zeros((8, 3)), np.zeros(3)])
    assert not model.encode(PAIRS.text_a).any()
    model.compile(run_eagerly=True)
    model.fit(PAIRS, verbose=0)
    for weights in model.get_weights():
        assert np.isfinite(weights).all()


def noisy_pairs():
    """Some labels are wrong, so that probabilities are within (0, 1)."""
    pairs = topic_pairs(copies=6)
    wrong = np.random.default_rng(0).random(len(pairs)) < 0.15
    label = np.where(wrong, 1 - pairs.label, pairs.label)
    return Pairs(pairs.text_a, pairs.text_b, label)


def test_the_fit_of_probabilities_keeps_what_matches(trained):
    model, pairs = trained[0], noisy_pairs()
    model.scoring = Scoring("cosine")
    chosen = model.fit_threshold(pairs, by="accuracy")
    scores = model.score(pairs)
    expected = choose_threshold(pairs.label, scores, by="accuracy")
    assert (chosen, model.scoring.threshold) == (expected, chosen.value)
    model.fit_threshold(pairs, by="fpr", at=0.9, band="suggest")
    texts = ["还款", "借", "取消", "Hello"]
    before = model.rank("取消", texts)
    bands = {place.text: place.band for place in before}
    result = model.fit_temperature(pairs)
    assert model.scoring.activation == "sigmoid"
    assert result.temperature == model.scoring.temperature
    assert result.ece_after < result.ece_before
    assert result.brier_after < result.brier_before
    after = model.score(pairs)
    np.testing.assert_array_equal(
        after >= model.scoring.threshold, scores >= chosen.value
    )
    ranked = model.rank("取消", texts)
    assert [p.index for p in ranked] == [p.index for p in before]
    assert {place.text: place.band for place in ranked} == bands
    assert len(set(bands.values())) > 1
    # As often as they say, on the whole.
    assert after.mean() == pytest.approx(pairs.label.mean(), abs=0.02)
    again = model.fit_temperature(pairs)
    assert again.temperature == pytest.approx(result.temperature, rel=1e-6)


def test_similarities_that_fall_with_the_labels_have_no_probability(trained):
    pairs = Pairs(*TEXTS, 1 - PAIRS.label)
    with pytest.raises(ValueError, match="more similar on average"):
        trained[0].fit_temperature(pairs)
