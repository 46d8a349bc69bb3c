"""Scores of similarities, before and after they are fitted."""

import numpy as np
import pytest

from semmatch._records import Embedding
from semmatch._records import Scoring


def test_a_cosine_is_moved_into_zero_to_one():
    # A hair beyond 1 is rounding.
    values = np.array([[-1.0], [-0.5], [0.0], [0.25], [1.0], [1.0000001]])
    scores = Scoring("cosine").scores(values)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, [0, 0.25, 0.5, 0.625, 1, 1])
    assert Scoring("cosine").scores(np.empty((0, 1))).shape == (0,)
    keys = Scoring("cosine").rank_keys(values)
    assert keys.tolist() == values[:, 0].tolist()


@pytest.mark.parametrize(
    ("similarity", "activation"),
    [
        ("cosine", "cosine"),
        ("dot", "sigmoid"),
        ("euclidean", "sigmoid"),
        ("manhattan", "sigmoid"),
    ],
)
def test_a_similarity_gets_an_activation_of_its_range(similarity, activation):
    assert Scoring.for_similarity(similarity) == Scoring(activation)


@pytest.mark.parametrize(
    "old",
    [
        Scoring("cosine", 1.0, 0.0, 0.8, 0.4, symmetric=True),
        Scoring("sigmoid", 1.5, 0.7, 0.8, 0.3, symmetric=True),
    ],
)
def test_fitting_moves_the_thresholds_with_the_scores(old):
    values = np.random.default_rng(0).uniform(-1, 1, size=(2000, 1))
    if old.activation == "sigmoid":
        values = 4 * values
    new = old.fitted(5.0, -0.5)
    assert (new.activation, new.bias) == ("sigmoid", -0.5)
    assert new.temperature == pytest.approx(1 / 5)
    assert new.symmetric
    expected = 1 / (1 + np.exp(-(5 * values[:, 0] - 0.5)))
    np.testing.assert_allclose(new.scores(values), expected, rtol=1e-5)
    bands = [list(map(s.band, s.scores(values))) for s in (old, new)]
    assert bands[0] == bands[1]
    assert len(set(bands[0])) == 3


def test_the_threshold_of_a_cosine_moves_by_the_formula():
    new = Scoring("cosine", threshold=0.9, suggest_threshold=0.25)
    new = new.fitted(3.0, 0.5)
    for found, cosine in ((new.threshold, 0.8), (new.suggest_threshold, -0.5)):
        expected = 1 / (1 + np.exp(-(3 * cosine + 0.5)))
        assert found == pytest.approx(expected, rel=1e-12)


def test_fitting_twice_is_as_fitting_the_second_time():
    old = Scoring("cosine", threshold=0.7, suggest_threshold=0.6)
    twice, once = old.fitted(9.0, -4.0).fitted(2.0, 1.0), old.fitted(2.0, 1.0)
    for name, value in once.to_dict().items():
        if isinstance(value, float):
            value = pytest.approx(value, rel=1e-9)
        assert getattr(twice, name) == value


def test_thresholds_at_the_ends_stay_where_scores_have_no_ends():
    moved = Scoring("sigmoid", threshold=1.0, suggest_threshold=0.0)
    moved = moved.fitted(3.0, 1.0)
    assert (moved.threshold, moved.suggest_threshold) == (1.0, 0.0)
    # A cosine gets to 1, and the same texts go on matching.
    cosine = Scoring("cosine", threshold=1.0, suggest_threshold=0.0)
    fitted = cosine.fitted(3.0, 1.0)
    assert fitted.suggest_threshold == 0.0
    for scoring in (cosine, fitted):
        bands = map(scoring.band, scoring.scores([[1.0], [0.9], [-1.0]]))
        assert list(bands) == ["match", "suggest", "suggest"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "`dim` must be an integer of at least 1"),
        ({"dim": 8, "similarity": "l2"}, "`similarity` must be one of.*'l2'"),
        ({"dim": 8, "normalize": "yes"}, "`normalize` must be .*'yes'"),
        ({"dim": 8, "query_prompt": "\ud800"}, "`query_prompt`.* surrogate"),
    ],
)
def test_what_is_no_vector_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Embedding(**options)


@pytest.mark.parametrize("side", ["query", "passage"])
def test_a_prompt_is_a_string(side):
    with pytest.raises(TypeError, match=f"`{side}_prompt` to be a string.*3"):
        Embedding(8, **{f"{side}_prompt": 3})
