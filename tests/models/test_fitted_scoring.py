"""Thresholds and temperature: chosen, kept, served."""

import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch import Scoring
from semmatch.data import Pairs
from semmatch.evaluation import choose_threshold
from tests.checks import small_model
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.checks import toy_pairs

TEXT_A = [a for a in TEXTS for b in TEXTS] * 4
TEXT_B = [b for a in TEXTS for b in TEXTS] * 4


def spread(**kwargs):
    """A model of logits on both sides of 0, some of them large."""
    model = small_model(**kwargs)
    kernel, bias = model.get_layer("head").weights
    logits = model.predict((TEXT_A, TEXT_B), verbose=0)
    kernel.assign(kernel * 6 / logits.std())
    logits = model.predict((TEXT_A, TEXT_B), verbose=0)
    bias.assign(bias - np.median(logits, axis=0))
    return model


def all_pairs():
    """Labels that are drawn from the shares of a third of the logits."""
    logits = spread().predict((TEXT_A, TEXT_B), verbose=0)[:, 0]
    shares = 1 / (1 + np.exp(-logits / 3))
    drawn = np.random.default_rng(0).random(len(shares)) < shares
    return Pairs(TEXT_A, TEXT_B, drawn.astype(int))


@pytest.fixture(scope="module")
def pairs():
    return all_pairs()


@pytest.mark.parametrize("num_classes", [1, 2])
@pytest.mark.parametrize(
    ("by", "at"),
    [("f1", None), ("accuracy", None), ("precision", 0.8), ("fpr", 0.2)],
)
def test_the_threshold_is_the_one_chosen_on_the_scores(
    num_classes, by, at, pairs
):
    model = spread(num_classes=num_classes)
    scores = model.score(pairs)
    label = pairs.label if num_classes == 1 else (scores > 0.3).astype(int)
    labelled = Pairs(pairs.text_a, pairs.text_b, label)
    chosen = model.fit_threshold(labelled, by=by, at=at)
    assert chosen == choose_threshold(label, scores, by=by, at=at)
    assert model.scoring.threshold == chosen.value
    assert chosen.recall > 0


def test_suggestions_have_a_threshold_of_their_own(pairs):
    model = spread()
    high = model.fit_threshold(pairs, by="precision", at=0.9)
    low = model.fit_threshold(pairs, by="fpr", at=0.5, band="suggest")
    assert low.value < high.value
    scoring = model.scoring
    assert (scoring.threshold, scoring.suggest_threshold) == (
        high.value,
        low.value,
    )
    places = model.rank(TEXTS[0], list(TEXTS))
    assert [p.band for p in places] == [scoring.band(p.score) for p in places]


def test_suggestions_above_matches_are_refused(pairs):
    model = spread()
    model.scoring = Scoring("sigmoid", threshold=0.01)
    with pytest.raises(ValueError, match="at most that of matches, 0.0100"):
        model.fit_threshold(pairs, by="precision", at=0.9, band="suggest")


def test_a_threshold_that_falls_below_suggestions_drops_them(pairs):
    model = spread()
    model.scoring = Scoring(
        "sigmoid", threshold=0.9999, suggest_threshold=0.9998
    )
    with pytest.warns(UserWarning, match="which is dropped"):
        model.fit_threshold(pairs, by="fpr", at=0.9)
    assert model.scoring.suggest_threshold is None


def test_the_temperature_makes_scores_less_sure(pairs):
    model = spread()
    before = model.score(pairs)
    chosen = model.fit_threshold(pairs, by="accuracy")
    calibration = model.fit_temperature(pairs)
    after = model.score(pairs)
    assert calibration.temperature == model.scoring.temperature > 1.2
    assert calibration.ece_after < calibration.ece_before
    assert calibration.brier_after < calibration.brier_before
    np.testing.assert_allclose(
        calibration.brier_before,
        np.mean((before - pairs.label) ** 2),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        calibration.brier_after, np.mean((after - pairs.label) ** 2), rtol=1e-5
    )
    # What matched goes on matching.
    np.testing.assert_array_equal(
        after >= model.scoring.threshold, before >= chosen.value
    )
    again = model.fit_temperature(pairs)
    assert again.temperature == pytest.approx(calibration.temperature, 1e-3)
    assert again.ece_before == pytest.approx(calibration.ece_after, abs=1e-3)


@pytest.mark.parametrize("bias", [-3.0, 3.0])
def test_a_bias_is_divided_too(bias, pairs):
    # The logits of the pairs without the bias are what the model says.
    model = spread()
    expected = model.fit_temperature(pairs)
    shifted = spread()
    head = shifted.get_layer("head")
    head.bias.assign(head.bias - 2 * bias)
    shifted.scoring = Scoring("sigmoid", temperature=2.0, bias=bias)
    found = shifted.fit_temperature(pairs)
    assert found.temperature == pytest.approx(expected.temperature, rel=1e-3)
    np.testing.assert_allclose(
        shifted.score(pairs), model.score(pairs), atol=1e-4
    )


def test_three_classes_have_a_temperature_and_no_threshold():
    model = spread(num_classes=3)
    pairs = toy_pairs(60, 3)
    calibration = model.fit_temperature(pairs)
    assert calibration.brier_after < calibration.brier_before
    with pytest.raises(ValueError, match="a model of 3 classes"):
        model.fit_threshold(pairs)


def test_metrics_follow_the_scoring(pairs):
    model = spread()
    model.compile(metrics=["mse"])
    for temperature in (1.0, 4.0):
        model.scoring = Scoring("sigmoid", temperature)
        figures = model.evaluate(pairs, verbose=0, return_dict=True)
        expected = np.mean((model.score(pairs) - pairs.label) ** 2)
        assert figures["mse"] == pytest.approx(expected, rel=1e-4)


def test_few_pairs_are_told():
    with pytest.warns(UserWarning, match="temperature of 40 pairs"):
        spread().fit_temperature(toy_pairs(40))


@pytest.mark.parametrize("method", ["fit_threshold", "fit_temperature"])
@pytest.mark.parametrize(
    "pairs", [Pairs(["a"], ["b"]), Pairs([], [], []), [("a", "b")]]
)
def test_labelled_pairs_are_needed(method, pairs):
    with pytest.raises(ValueError, match=f"`{method}` needs labelled"):
        getattr(spread(), method)(pairs)


def test_bands_are_two(pairs):
    with pytest.raises(ValueError, match="`band` must be one of.*'none'"):
        spread().fit_threshold(pairs, band="none")


def test_windows_of_three_classes_are_refused():
    with pytest.raises(ValueError, match="a model of 3 classes"):
        spread(num_classes=3).scoring = Scoring("softmax", long="max")


def test_a_scoring_of_other_logits_is_refused():
    with pytest.raises(ValueError, match="expect one logit a pair"):
        spread(num_classes=2).scoring = Scoring("sigmoid")


@tensorflow_only
def test_preset_and_deploy_folder_decide_as_the_model(pairs, tmp_path):
    model = spread()
    model.fit_temperature(pairs)
    model.fit_threshold(pairs, by="precision", at=0.9)
    model.fit_threshold(pairs, by="fpr", at=0.5, band="suggest")
    model.scoring = model.scoring.replace(symmetric=True, long="max")
    model.save_to_preset(tmp_path / "preset")
    export_onnx(model, tmp_path / "deploy")
    others = [
        CrossEncoder.from_preset(tmp_path / "preset"),
        Matcher(tmp_path / "deploy"),
    ]
    long = "怎么取消借款如何还款取消借款借款还款取消"
    expected = model.rank(long, [*TEXTS, long])
    assert len({place.band for place in expected}) > 1
    for other in others:
        assert other.scoring == model.scoring
        ranked = other.rank(long, [*TEXTS, long])
        assert [p.index for p in ranked] == [p.index for p in expected]
        assert [p.band for p in ranked] == [p.band for p in expected]
        np.testing.assert_allclose(
            [p.score for p in ranked], [p.score for p in expected], atol=1e-5
        )
