"""The report on pairs against its definitions, pair by pair."""

import math

import numpy as np
import pytest

from semmatch.data import Pairs
from semmatch.evaluation import average_precision
from semmatch.evaluation import brier_score
from semmatch.evaluation import evaluate_pairs
from semmatch.evaluation import expected_calibration_error
from semmatch.evaluation import matthews_correlation
from semmatch.evaluation import roc_auc
from semmatch.evaluation import spearman
from tests.evaluation.fixed_scores import CLASSES
from tests.evaluation.fixed_scores import FixedScores
from tests.evaluation.fixed_scores import LABELS
from tests.evaluation.fixed_scores import pairs_of
from tests.evaluation.fixed_scores import random_case
from tests.evaluation.fixed_scores import report_of
from tests.evaluation.fixed_scores import SCORES

RANK_FIGURES = ["auc", "average_precision", "spearman"]


def test_the_figures_are_those_of_their_functions():
    report = report_of()
    predictions = (SCORES >= 0.6).astype("int64")
    assert report.threshold == 0.6
    assert report.accuracy == np.mean(predictions == LABELS) == 5 / 8
    assert report.f1 == 2 * 2 / (3 + 4)
    assert report.auc == roc_auc(LABELS, SCORES)
    assert report.average_precision == average_precision(LABELS, SCORES)
    assert report.mcc == matthews_correlation(LABELS, predictions)
    assert report.spearman == spearman(LABELS, SCORES)
    assert report.ece == expected_calibration_error(LABELS, SCORES)
    assert report.brier == brier_score(LABELS, SCORES)


def test_there_is_a_report_at_one_half_and_at_the_threshold():
    report = report_of()
    at_half, at_threshold = report.classification_at_half, report.classification
    assert at_half.threshold == 0.5
    assert at_half.confusion.tolist() == [[2, 2], [1, 3]]
    assert at_threshold.threshold == 0.6
    assert at_threshold.confusion.tolist() == [[3, 1], [2, 2]]
    assert at_threshold.accuracy == report.accuracy
    assert at_threshold.f1[1] == report.f1


def test_the_threshold_may_be_given():
    report = report_of(threshold=0.25)
    assert report.threshold == 0.25
    assert report.classification.confusion.tolist() == [[2, 2], [0, 4]]
    assert report.accuracy == 6 / 8
    # And does not move what has none.
    assert report.auc == report_of().auc


def test_a_float32_score_reaches_the_threshold_of_its_own_name():
    scores = np.array([0.1, 0.7], "float32")
    assert report_of([0, 1], scores, threshold=0.7).accuracy == 1


def test_two_columns_are_the_score_of_the_second():
    both = report_of(scores=np.stack([1 - SCORES, SCORES], axis=1))
    assert both.to_dict() == report_of().to_dict()


def test_every_figure_has_an_interval_that_holds_it():
    labels, scores = random_case(300)
    report = report_of(labels, scores, num_resamples=200)
    assert len(report.intervals) == 8
    for name, (low, high) in report.intervals.items():
        assert low < high, name
        if name != "ece":  # resamples are never calibrated better
            assert low < getattr(report, name) < high, name


def test_the_interval_of_accuracy_is_that_of_a_share():
    labels, scores = random_case(1000)
    report = report_of(labels, scores, num_resamples=2000)
    low, high = report.intervals["accuracy"]
    wilson_low, wilson_high = report.classification.accuracy_interval
    assert low == pytest.approx(wilson_low, abs=0.004)
    assert high == pytest.approx(wilson_high, abs=0.004)


def test_the_interval_of_auc_is_that_of_hanley_and_mcneil():
    # Hanley and McNeil 1982, with the shares of pairs counted one by one.
    labels, scores = random_case(400)
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = positives[:, None] > negatives
    area = wins.mean()
    two_positives = np.mean(wins.mean(axis=0) ** 2)
    two_negatives = np.mean(wins.mean(axis=1) ** 2)
    m, n = len(positives), len(negatives)
    variance = (
        area * (1 - area)
        + (m - 1) * (two_positives - area**2)
        + (n - 1) * (two_negatives - area**2)
    ) / (m * n)
    low, high = report_of(labels, scores, num_resamples=1000).intervals["auc"]
    expected = 2 * 1.96 * math.sqrt(variance)
    assert high - low == pytest.approx(expected, rel=0.15)


def test_the_seed_fixes_the_intervals_and_their_number_counts():
    labels, scores = random_case(50)
    first = report_of(labels, scores).intervals
    assert report_of(labels, scores).intervals == first
    assert report_of(labels, scores, seed=1).intervals != first
    assert report_of(labels, scores, num_resamples=21).intervals != first
    low, high = report_of(labels, scores, num_resamples=1).intervals["auc"]
    assert low == high


def test_resamples_of_one_class_have_no_order():
    # Of two pairs, half of the resamples hold one of them twice.
    report = report_of([0, 1], np.array([0.3, 0.9]), num_resamples=50)
    for name in RANK_FIGURES:
        assert getattr(report, name) == pytest.approx(1), name
        assert report.intervals[name] == pytest.approx((1, 1)), name


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_has_no_order(label):
    report = report_of([label] * 3, np.array([0.2, 0.7, 0.8]))
    for name in RANK_FIGURES:
        assert getattr(report, name) is None
        assert report.intervals[name] is None
    assert report.accuracy == pytest.approx(2 / 3 if label else 1 / 3)
    text = str(report)
    assert f"3 pairs, {3 * label} of label 1: no order to measure" in text
    assert "AUC" not in text


def test_equal_scores_have_no_order():
    report = report_of(scores=np.full(8, 0.5))
    assert report.spearman is None
    assert report.auc == 0.5


@pytest.mark.parametrize("prior", [0.05, 0.5, 0.9])
def test_a_prior_reweights_the_classes(prior):
    labels, scores = random_case(200)
    figures = report_of(labels, scores, prior=prior).at_prior
    weights = np.where(
        labels == 1, prior / labels.sum(), (1 - prior) / np.sum(labels == 0)
    )
    match, right = scores >= 0.6, (scores >= 0.6) == labels
    precision = weights[match & right].sum() / weights[match].sum()
    recall = np.mean(match[labels == 1])
    assert figures.prior == prior
    assert figures.accuracy == pytest.approx(weights[right].sum())
    assert figures.precision == pytest.approx(precision)
    assert figures.recall == pytest.approx(recall)
    assert figures.f1 == pytest.approx(
        2 * precision * recall / (precision + recall)
    )


def test_without_a_prior_or_without_matches_there_is_nothing_to_reweight():
    assert report_of().at_prior is None
    figures = report_of(threshold=1.0, prior=0.2).at_prior
    assert figures == (0.2, 0.8, 0, 0, 0)


def test_several_classes_have_the_figures_of_classes():
    labels = [0, 1, 1, 2]
    report = report_of(labels, CLASSES)
    assert report.threshold is None
    assert report.classification.confusion.tolist() == [
        [1, 0, 0],
        [0, 1, 1],
        [0, 0, 1],
    ]
    assert report.accuracy == 3 / 4
    assert report.ece == expected_calibration_error(labels, CLASSES)
    assert report.brier == brier_score(labels, CLASSES)
    assert set(report.intervals) == {"accuracy", "ece", "brier"}
    for name in ("f1", "mcc", "classification_at_half", *RANK_FIGURES):
        assert getattr(report, name) is None, name
    assert "macro mean" in str(report)


@pytest.mark.parametrize("labels", [[0.1, 0.9, 0.5, 0.4], [0, 5, 3, 2]])
def test_graded_labels_have_correlations_alone(labels):
    scores = np.array([0.2, 0.9, 0.3, 0.4], "float32")
    report = report_of(labels, scores)
    # The ranks 1, 4, 3, 2 and 1, 4, 2, 3: 1 - 6 * (1 + 1) / (4 * (16 - 1)).
    assert report.spearman == pytest.approx(0.8)
    expected = np.corrcoef(labels, scores.astype("float64"))[0, 1]
    assert report.pearson == pytest.approx(expected)
    assert set(report.intervals) == {"spearman", "pearson"}
    for name in ("threshold", "accuracy", "f1", "auc", "ece", "brier"):
        assert getattr(report, name) is None, name
    assert report.classification is report.classification_at_half is None
    text = str(report)
    first = f"4 pairs with graded labels from {min(labels)} to {max(labels)}"
    assert text.startswith(f"{first}: correlations alone are measured")
    assert f"Spearman  {report.spearman:.4f}" in text
    assert f"Pearson   {report.pearson:.4f}" in text
    with pytest.raises(ValueError, match="`worst_errors` expects labels that"):
        report.worst_errors()


def test_the_interval_of_pearson_is_that_of_fisher():
    random = np.random.default_rng(0)
    a, noise = random.normal(size=(2, 1000))
    scores = 0.8 * a + 0.6 * noise
    report = report_of(a, scores, num_resamples=2000)
    # Of a normal distribution atanh(r) has the variance 1 / (n - 3).
    ends = math.atanh(report.pearson) + np.array([-1.96, 1.96]) / 997**0.5
    assert report.intervals["pearson"] == pytest.approx(np.tanh(ends), abs=0.01)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (Pairs([], [], []), r"at least one pair. Received: Pairs\(0 pairs"),
        (Pairs(["a"], ["b"]), r"labels. Received: Pairs\(1 pairs, no labels\)"),
    ],
)
def test_pairs_that_cannot_be_measured_are_refused(pairs, message):
    with pytest.raises(
        ValueError, match=f"`evaluate_pairs` expects.*{message}"
    ):
        evaluate_pairs(FixedScores(np.zeros(1)), pairs)


@pytest.mark.parametrize(
    ("labels", "scores", "options", "message"),
    [
        ([0, 1], [0.1], {}, "Received: 2 labels and 1 scores"),
        ([0, 1], [0.1, np.nan], {}, r"finite. Received: scores\[1\]=nan"),
        ([0, 1], [0.1, 3.0], {}, r"probabilities in \[0, 1\]"),
        ([0, 3], [[0.2, 0.3, 0.5]] * 2, {}, r"in \[0, 3\)"),
        ([0, 0.5], [[0.2, 0.3, 0.5]] * 2, {}, "graded scores need a cut"),
        ([0, 1], [0.1, 0.9], {"threshold": 1.5}, "threshold=1.5"),
        ([0, 1], [0.1, 0.9], {"threshold": np.nan}, "threshold=nan"),
        ([0, 1], [0.1, 0.9], {"prior": 1}, "below 1. Received: prior=1"),
        ([0, 1], [0.1, 0.9], {"prior": 0.0}, "above 0 .*prior=0.0"),
        ([1, 1], [0.1, 0.9], {"prior": 0.5}, "each. Received: 0 and 2 of"),
        ([0, 2], [0.1, 0.9], {"prior": 0.5}, "`prior` is for labels 0 and 1"),
        ([0, 2], [0.1, 0.9], {"threshold": 0.5}, "`threshold` is for labels"),
        ([0], [[0.2, 0.3, 0.5]], {"threshold": 0.5}, "or a model of several"),
        ([0, 1], [0.1, 0.9], {"num_resamples": 0}, "`num_resamples` must be"),
    ],
)
def test_an_evaluation_refuses(labels, scores, options, message):
    model = FixedScores(np.array(scores))
    with pytest.raises(ValueError, match=message):
        evaluate_pairs(model, pairs_of(labels), **options)


@pytest.mark.parametrize(
    "options", [{"threshold": -1}, {"prior": 5}, {"num_resamples": 0.5}]
)
def test_wrong_settings_are_refused_before_the_scoring(options):
    with pytest.raises(ValueError, match="Received: "):
        evaluate_pairs(object(), pairs_of([0, 1]), **options)
