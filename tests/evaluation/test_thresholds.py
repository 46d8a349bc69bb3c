"""The chosen threshold against all thresholds, one by one."""

import numpy as np
import pytest

from semmatch.evaluation import choose_threshold


def sample(size=200, seed=0, decimals=2):
    """Labels and scores with ties, the two related."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, size)
    scores = 1 / (1 + np.exp(-(labels - 0.5 + random.normal(size=size))))
    return labels, scores.round(decimals)


def figures(labels, scores, threshold):
    """Counted pair by pair."""
    match = scores >= threshold
    right = np.sum(match & (labels == 1))
    wrong = np.sum(match & (labels == 0))
    return {
        "precision": right / max(1, match.sum()),
        "recall": right / labels.sum(),
        "f1": 2 * right / (match.sum() + labels.sum()),
        "accuracy": np.mean(match == labels),
        "fpr": wrong / np.sum(labels == 0),
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("by", ["f1", "accuracy"])
def test_no_other_threshold_does_better(by, seed):
    labels, scores = sample(seed=seed)
    chosen = choose_threshold(labels, scores, by=by)
    grid = np.linspace(0, 1, 1001)
    best = max(figures(labels, scores, value)[by] for value in grid)
    assert getattr(chosen, by) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("by", "at"), [("precision", 0.8), ("fpr", 0.1)])
def test_a_held_figure_costs_as_little_recall_as_can_be(by, at, seed):
    labels, scores = sample(seed=seed)
    chosen = choose_threshold(labels, scores, by=by, at=at)
    holds = [
        found["recall"]
        for found in (
            figures(labels, scores, value) for value in np.linspace(0, 1, 1001)
        )
        if (found[by] >= at if by == "precision" else found[by] <= at)
        and found["recall"]
    ]
    assert chosen.recall == pytest.approx(max(holds))


@pytest.mark.parametrize("by", ["f1", "accuracy", "precision", "fpr"])
def test_the_figures_are_those_at_the_value(by):
    labels, scores = sample()
    at = 0.7 if by in ("precision", "fpr") else None
    chosen = choose_threshold(labels, scores, by=by, at=at)
    for name, expected in figures(labels, scores, chosen.value).items():
        assert getattr(chosen, name) == pytest.approx(expected), name


def test_it_lies_between_scores_and_not_on_one():
    labels, scores = sample()
    chosen = choose_threshold(labels, scores)
    assert np.abs(scores - chosen.value).min() > 1e-3
    assert choose_threshold([0, 1], [0.2, 0.6]).value == pytest.approx(0.4)


def test_all_pairs_may_match():
    chosen = choose_threshold([1, 0, 1, 1], [0.8, 0.6, 0.5, 0.4])
    assert chosen.value == pytest.approx(0.2)
    assert (chosen.recall, chosen.fpr) == (1, 1)


def test_of_equal_ones_the_highest_is_taken():
    # Accuracy is 3/4 from 0.9 on and from 0.5 on.
    chosen = choose_threshold([1, 0, 1, 0], [0.9, 0.6, 0.5, 0.1], by="accuracy")
    assert chosen.value == pytest.approx(0.75)


def test_a_precision_out_of_reach_names_the_best_possible():
    message = (
        r"No threshold reaches a precision of 0.9 on these pairs. The best "
        r"possible is 0.6667, at a threshold of 0.1500, which finds 1.0000"
    )
    with pytest.raises(ValueError, match=message):
        choose_threshold([0, 1, 1], [0.9, 0.6, 0.3], by="precision", at=0.9)


def test_a_rate_out_of_reach_names_the_best_possible():
    message = r"No threshold reaches a fpr of 0.0 .* The best possible is 0.5"
    with pytest.raises(ValueError, match=message):
        choose_threshold([0, 1, 0], [0.9, 0.9, 0.3], by="fpr", at=0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "mcc"}, r"one of \['accuracy', 'f1', 'fpr', 'precision'\]"),
        ({"by": "precision"}, "`by='precision'` needs `at`"),
        ({"by": "fpr", "at": 1.5}, "`by='fpr'` needs `at`.* at=1.5"),
        ({"by": "f1", "at": 0.5}, "`at` is for .* Received: by='f1', at=0.5"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        choose_threshold([0, 1], [0.1, 0.9], **options)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([], [], r"at least one. Received: labels.shape=\(0,\)"),
        ([1, 1], [0.1, 0.9], "examples of both classes.*2 labels, all 1"),
        ([0, 1], [0.1, np.nan], r"must be finite. Received: scores\[1\]=nan"),
        ([0, 1], [-2.0, 0.5], r"in \[0, 1\].* Received: scores from -2 to 0.5"),
        ([0, 1], [0.5, 1.5], r"in \[0, 1\].* Received: scores from 0.5 to 1.5"),
        ([0, 1], [0.5], "Received: 2 labels and 1 scores"),
        ([0, 1], [[0.1, 0.9]] * 2, r"Pass the column of the positive class"),
    ],
)
def test_what_has_no_threshold_is_refused(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        choose_threshold(labels, scores)


@pytest.mark.parametrize("start", [0.1, 0.3, 0.7, 1 - 2**-24])
@pytest.mark.parametrize("parity", [0, 1])
@pytest.mark.parametrize("as_list", [False, True])
def test_neighbours_in_float32_are_told_apart_in_any_precision(
    start, parity, as_list
):
    # The middle of two neighbours rounds to the even one of them.
    low = np.float32(start)
    if low.view("int32") % 2 != parity:
        low = np.nextafter(low, np.float32(0))
    scores = np.array([low, np.nextafter(low, np.float32(1))])
    assert scores.dtype == np.float32
    given = scores.tolist() if as_list else scores
    value = choose_threshold([0, 1], given).value
    assert (scores >= value).tolist() == [False, True]
    assert (scores.astype("float64") >= value).tolist() == [False, True]
    assert (scores >= np.float32(value)).tolist() == [False, True]


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_decides_in_float32_as_in_float64(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, 500)
    scores = (0.5 + random.random(500) * 1e-5).astype("float32")
    chosen = choose_threshold(labels, scores)
    assert np.float32(chosen.value) == chosen.value
    single = figures(labels, scores, np.float32(chosen.value))
    double = figures(labels, scores.astype("float64"), chosen.value)
    assert single == double
    assert chosen.f1 == pytest.approx(double["f1"])


def test_scores_closer_than_float32_are_told_apart():
    scores = np.array([0.5, 0.5 + 1e-12, 0.5 + 2e-12])
    value = choose_threshold([0, 0, 1], scores).value
    assert (scores >= value).tolist() == [False, False, True]


def test_to_match_nothing_may_be_the_most_accurate():
    labels, scores = [0, 0, 0, 1], [0.9, 0.8, 0.7, 0.1]
    chosen = choose_threshold(labels, scores, by="accuracy")
    assert 0.9 < chosen.value <= 1
    assert chosen[1:] == (0, 0, 0, 0.75, 0)
    # Where a score is 1, no threshold in [0, 1] is above it.
    chosen = choose_threshold(labels, [1.0, 0.8, 0.7, 0.1], by="accuracy")
    assert chosen.value == pytest.approx(0.9)
    assert chosen.accuracy == 0.5


def test_a_rate_is_not_held_by_finding_nothing():
    labels, scores = [0, 1, 0], [0.9, 0.6, 0.3]
    message = "No threshold reaches a fpr of 0.2.*The best possible is 0.5000"
    with pytest.raises(ValueError, match=message):
        choose_threshold(labels, scores, by="fpr", at=0.2)
    chosen = choose_threshold(labels, scores, by="fpr", at=0.5)
    assert chosen.recall == 1


def test_a_score_of_0_can_match():
    chosen = choose_threshold([0, 1, 1], [0.5, 0.5, 0.0])
    assert (chosen.value, chosen.recall) == (0, 1)


def test_lists_are_as_arrays():
    labels, scores = sample()
    from_lists = choose_threshold(labels.tolist(), scores.tolist())
    assert from_lists == choose_threshold(labels, scores)
