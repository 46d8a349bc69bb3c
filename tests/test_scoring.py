"""Scores against their formulas in numpy."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pytest

from semmatch._records import Ranked
from semmatch._records import Scoring

SCALES = pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])


def logits(classes, rows=7):
    return np.random.default_rng(classes).normal(scale=3, size=(rows, classes))


def softmax(values):
    powers = np.exp(values)
    return powers / powers.sum(axis=1, keepdims=True)


@SCALES
@pytest.mark.parametrize("bias", [-2.0, 0.0, 0.5])
def test_one_logit_is_a_sigmoid_of_the_scaled_and_shifted_logit(
    temperature, bias
):
    scores = Scoring("sigmoid", temperature, bias).scores(logits(1))
    expected = 1 / (1 + np.exp(-(logits(1)[:, 0] / temperature + bias)))
    assert scores.shape == (7,)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


@SCALES
def test_two_classes_are_the_softmax_of_the_second(temperature):
    scores = Scoring("softmax", temperature).scores(logits(2))
    assert scores.shape == (7,)
    assert scores.dtype == np.float32
    expected = softmax(logits(2) / temperature)[:, 1]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


@SCALES
def test_more_classes_are_the_whole_softmax(temperature):
    scores = Scoring("softmax", temperature).scores(logits(3))
    assert scores.shape == (7, 3)
    assert scores.dtype == np.float32
    expected = softmax(logits(3) / temperature)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


@pytest.mark.parametrize("temperature", [1e-3, 1.0])
def test_extreme_logits_neither_overflow_nor_lose_a_number(temperature):
    big = np.array([[1e4], [-1e4], [0.0]], "float32")
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        one = Scoring("sigmoid", temperature).scores(big)
        two = Scoring("softmax", temperature).scores(np.hstack([-big, big]))
        three = Scoring("softmax", temperature).scores(
            np.hstack([big, -big, big])
        )
    np.testing.assert_array_equal(one, [1, 0, 0.5])
    np.testing.assert_array_equal(two, [1, 0, 0.5])
    third = np.float32(1 / 3)
    expected = [[0.5, 0, 0.5], [0, 1, 0], [third, third, third]]
    np.testing.assert_array_equal(three, expected)


@pytest.mark.parametrize("classes", [1, 2])
def test_no_rows_give_no_scores(classes):
    scoring = Scoring.for_classes(classes)
    assert scoring.scores(np.empty((0, classes))).shape == (0,)


@pytest.mark.parametrize("classes", [1, 2])
def test_rank_keys_tell_saturated_scores_apart(classes):
    scoring = Scoring.for_classes(classes)
    values = np.array([[90.0], [70.0], [80.0]], "float32")
    values = np.hstack([np.zeros((3, classes - 1)), values])
    assert scoring.scores(values).tolist() == [1, 1, 1]
    assert np.argsort(scoring.rank_keys(values)).tolist() == [1, 2, 0]


@pytest.mark.parametrize("classes", [1, 2])
def test_rank_keys_are_in_the_order_of_scores(classes):
    scoring = dataclasses.replace(Scoring.for_classes(classes), temperature=4)
    keys = scoring.rank_keys(logits(classes))
    scores = scoring.scores(logits(classes))
    assert np.argsort(keys).tolist() == np.argsort(scores).tolist()


def test_ranking_more_classes_is_refused():
    with pytest.raises(ValueError, match="Received: a model of 3 classes"):
        Scoring("softmax").rank_keys(logits(3))


@pytest.mark.parametrize(
    ("activation", "shape"),
    [
        ("sigmoid", (4, 2)),
        ("softmax", (4, 1)),
        ("cosine", (4, 2)),
        ("cosine", (4,)),
        ("sigmoid", (4,)),
        ("softmax", (4, 2, 2)),
    ],
)
def test_logits_that_do_not_fit_the_activation_are_refused(activation, shape):
    message = rf"activation='{activation}' and logits of shape \({shape[0]},"
    with pytest.raises(ValueError, match=message):
        Scoring(activation).scores(np.zeros(shape))


@pytest.mark.parametrize(
    ("classes", "activation"), [(1, "sigmoid"), (2, "softmax"), (5, "softmax")]
)
def test_a_fresh_head_gets_the_activation_of_its_classes(classes, activation):
    assert Scoring.for_classes(classes) == Scoring(activation, 1.0, 0.0, 0.5)


def test_a_record_survives_json():
    scoring = Scoring(
        "sigmoid", 1.5, -0.25, 0.75, 0.5, symmetric=True, long="max"
    )
    record = json.loads(json.dumps(scoring.to_dict()))
    assert record == {
        "activation": "sigmoid",
        "temperature": 1.5,
        "bias": -0.25,
        "threshold": 0.75,
        "suggest_threshold": 0.5,
        "symmetric": True,
        "long": "max",
    }
    assert Scoring(**record) == scoring


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"activation": "tanh"},
            r"one of \['cosine', 'sigmoid', 'softmax'\].*'tanh'",
        ),
        (
            {"activation": "cosine", "temperature": 2.0},
            '"cosine" has neither.*temperature=2.0, bias=0.0. Take "sigmoid"',
        ),
        ({"activation": "cosine", "bias": 0.5}, "bias=0.5"),
        ({"temperature": 0.0}, "finite number above 0. .*temperature=0.0"),
        ({"temperature": -1}, "temperature=-1"),
        ({"temperature": float("inf")}, "temperature=inf"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"bias": float("nan")}, "`bias` must be a finite.*bias=nan"),
        ({"bias": float("-inf")}, "bias=-inf"),
        ({"threshold": 1.1}, r"`threshold` must be in \[0, 1\].*=1.1"),
        ({"threshold": -0.1}, "threshold=-0.1"),
        ({"threshold": float("nan")}, "threshold=nan"),
        ({"suggest_threshold": 0.6}, "threshold], here 0.5.*threshold=0.6"),
        ({"suggest_threshold": -0.1}, "suggest_threshold=-0.1"),
        ({"suggest_threshold": float("nan")}, "suggest_threshold=nan"),
        ({"symmetric": "yes"}, "`symmetric` must be one of.*'yes'"),
        ({"long": "mean"}, r"`long` must be one of \['max', 'truncate'\]"),
    ],
)
def test_values_that_make_no_score_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Scoring(**{"activation": "sigmoid", **options})


def test_a_record_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Scoring("sigmoid").bias = 1.0


def test_a_ranked_candidate_unpacks_in_the_order_documented():
    index, score, text = Ranked(3, 0.5, "怎么还款")
    assert (index, score, text) == (3, 0.5, "怎么还款")
    assert Ranked(3, 0.5, "a").index == 3


def test_a_ranked_candidate_has_a_band_beside_its_three_values():
    place = Ranked(3, 0.5, "怎么还款", "suggest")
    assert place == (3, 0.5, "怎么还款")
    assert place.band == "suggest"
    assert Ranked(3, 0.5, "a").band == "none"
    again = pickle.loads(pickle.dumps(place))  # noqa: S301
    assert (again, again.band) == (place, "suggest")
    assert copy.copy(place).band == "suggest"


@pytest.mark.parametrize(
    ("score", "band"),
    [(1.0, "match"), (0.8, "match"), (0.7999, "suggest")]
    + [(0.4, "suggest"), (0.3999, "none"), (0.0, "none")],
)
@pytest.mark.parametrize("kind", [float, np.float32])
def test_a_score_of_the_threshold_belongs_to_the_band(score, band, kind):
    # 0.8 and 0.4 are no float32: the nearest ones are above and below them.
    scoring = Scoring("sigmoid", threshold=0.8, suggest_threshold=0.4)
    assert scoring.band(kind(score)) == band


def test_without_a_threshold_of_suggestions_there_are_none():
    assert Scoring("sigmoid").band(0.4999) == "none"


@pytest.mark.parametrize("factor", [0.3, 2.0])
@pytest.mark.parametrize("bias", [0.0, 0.7])
def test_another_temperature_decides_alike(factor, bias):
    values = np.random.default_rng(0).normal(scale=3, size=(2000, 1))
    old = Scoring("sigmoid", 1.5, bias, 0.8, 0.3, symmetric=True)
    new = old.calibrated(factor)
    assert new.temperature == pytest.approx(1.5 * factor)
    assert new.symmetric
    expected = 1 / (1 + np.exp(-(values[:, 0] / 1.5 + bias) / factor))
    np.testing.assert_allclose(new.scores(values), expected, rtol=1e-5)
    bands = [list(map(s.band, s.scores(values))) for s in (old, new)]
    assert bands[0] == bands[1]
    assert len(set(bands[0])) == 3


def test_thresholds_at_the_ends_stay():
    moved = Scoring("sigmoid", threshold=1.0, suggest_threshold=0.0)
    moved = moved.calibrated(3.0)
    assert (moved.threshold, moved.suggest_threshold) == (1.0, 0.0)


def test_thresholds_near_the_ends_do_not_overflow():
    moved = Scoring("sigmoid", threshold=1e-20).calibrated(0.05)
    assert 0 <= moved.threshold < 1e-300
