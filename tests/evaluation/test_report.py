"""The report against its definitions, and its two forms of output."""

import json
import math

import numpy as np
import pytest

from semmatch.evaluation import average_precision
from semmatch.evaluation import classification_report
from semmatch.evaluation import roc_auc
from semmatch.evaluation.report import NORMAL_QUANTILE
from semmatch.evaluation.report import wilson_interval

LABELS = np.array([0, 0, 0, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.5, 0.2, 0.9, 0.4, 0.8, 0.5])
# At 0.5: one of three negatives and three of four positives are called 1.


def test_figures_of_two_classes_by_hand():
    report = classification_report(LABELS, SCORES)
    assert report.confusion.tolist() == [[2, 1], [1, 3]]
    assert report.accuracy == 5 / 7
    np.testing.assert_allclose(report.precision, [2 / 3, 3 / 4])
    np.testing.assert_allclose(report.recall, [2 / 3, 3 / 4])
    np.testing.assert_allclose(report.f1, [2 / 3, 3 / 4])
    assert report.support.tolist() == [3, 4]
    assert report.macro_f1 == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert report.auc == roc_auc(LABELS, SCORES)
    assert report.average_precision == average_precision(LABELS, SCORES)
    assert report.threshold == 0.5
    assert report.class_names == ("0", "1")


def test_a_score_at_the_threshold_is_positive():
    above = classification_report(LABELS, SCORES, threshold=0.5000001)
    assert above.confusion.tolist() == [[3, 0], [2, 2]]


def test_a_float32_score_reaches_the_threshold_of_its_own_name():
    # As float64 it is 0.699999988, as a metric in training sees it 0.7.
    scores = np.array([0.1, 0.7], "float32")
    assert classification_report([0, 1], scores, threshold=0.7).accuracy == 1


def test_f1_is_the_harmonic_mean():
    labels, scores = np.array([0, 1, 1, 1, 0]), np.array([0.9, 0.9, 0, 0, 0.8])
    report = classification_report(labels, scores)
    precision, recall = 1 / 3, 1 / 3
    assert report.f1[1] == pytest.approx(
        2 * precision * recall / (precision + recall)
    )
    assert report.f1[0] == 0  # neither precision nor recall is above 0


def test_three_classes_go_by_the_largest_score():
    scores = np.array(
        [[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.4, 0.4], [0.0, 0.1, 0.9]]
    )
    report = classification_report([0, 0, 1, 1], scores)
    assert report.confusion.tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    np.testing.assert_allclose(report.precision, [1, 1 / 2, 0])
    np.testing.assert_allclose(report.recall, [1 / 2, 1 / 2, 0])
    np.testing.assert_allclose(report.f1, [2 / 3, 1 / 2, 0])
    assert report.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert report.auc is None
    assert report.average_precision is None
    assert report.threshold is None


def test_two_columns_give_the_figures_of_the_second():
    both = np.stack([1 - SCORES, SCORES], axis=1) + [0, 1e-9]  # no ties
    report = classification_report(LABELS, both)
    single = classification_report(LABELS, SCORES)
    assert report.confusion.tolist() == single.confusion.tolist()
    assert report.auc == single.auc
    assert report.average_precision == single.average_precision


def test_one_column_is_the_positive_class():
    column = classification_report(LABELS[:, None], SCORES[:, None])
    assert column.to_dict() == classification_report(LABELS, SCORES).to_dict()


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_has_no_areas(label):
    report = classification_report([label] * 3, [0.2, 0.6, 0.7])
    assert report.auc is None
    assert report.average_precision is None
    assert report.recall[1 - label] == 0
    assert "AUC" not in str(report)


@pytest.mark.parametrize(("right", "trials"), [(0, 9), (5, 7), (90, 100)])
def test_the_interval_ends_where_the_share_is_just_not_refused(right, trials):
    # Wilson: the shares p with |right / trials - p| = z sqrt(p (1 - p) / n).
    for end in wilson_interval(right, trials):
        deviation = abs(right / trials - end)
        allowed = NORMAL_QUANTILE * math.sqrt(end * (1 - end) / trials)
        assert deviation == pytest.approx(allowed, abs=1e-12)


def test_the_interval_is_a_95_percent_one_and_stays_within_0_and_1():
    both_tails = math.erfc(NORMAL_QUANTILE / math.sqrt(2))
    assert both_tails == pytest.approx(0.05, abs=1e-12)
    for trials in range(1, 60):
        low, high = wilson_interval(0, trials)
        assert 0 <= low < 1e-15 < high < 1
        low, high = wilson_interval(trials, trials)
        assert 0 < low < 1 - 1e-15 < high <= 1


def test_the_report_holds_the_interval_of_its_accuracy():
    report = classification_report(LABELS, SCORES)
    assert report.accuracy_interval == wilson_interval(5, 7)


def test_the_dictionary_is_json_and_complete():
    report = classification_report(LABELS, SCORES, class_names=["no", "yes"])
    values = report.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert set(values) == set(vars(report))
    assert values["confusion"] == [[2, 1], [1, 3]]
    assert values["class_names"] == ["no", "yes"]
    assert values["accuracy_interval"] == list(report.accuracy_interval)


def test_the_text_shows_every_figure():
    names = ["other", "match"]
    report = classification_report(LABELS, SCORES, class_names=names)
    lines = str(report).splitlines()
    assert lines[0].split() == ["precision", "recall", "f1", "support"]
    assert lines[1].split() == ["other", "0.6667", "0.6667", "0.6667", "3"]
    assert lines[2].split() == ["match", "0.7500", "0.7500", "0.7500", "4"]
    assert lines[3].split()[-2:] == [f"{report.macro_f1:.4f}", "7"]
    low, high = report.accuracy_interval
    assert f"0.7143 (95 % interval {low:.4f} to {high:.4f})" in str(report)
    assert f"AUC {report.auc:.4f}" in str(report)
    assert f"average precision {report.average_precision:.4f}" in str(report)
    assert "match if score >= 0.5" in str(report)
    assert lines[-2].split() == ["other", "2", "1"]
    assert lines[-1].split() == ["match", "1", "3"]


def test_chinese_names_are_counted_as_two_columns_a_character():
    names = ["无关", "same"]  # both four columns wide
    text = str(classification_report(LABELS, SCORES, class_names=names))
    first, second = text.splitlines()[1:3]
    assert first.index("0.6667") + 2 == second.index("0.7500")


@pytest.mark.parametrize(
    ("labels", "scores", "options", "message"),
    [
        ([0, 1], [0.5], {}, "Received: 2 labels and 1 scores"),
        ([], [], {}, r"at least one. Received: labels.shape=\(0,\)"),
        ([0, 1], [0.5, np.inf], {}, r"finite. Received: scores\[1\]=inf"),
        ([0], [[0.5, np.nan]], {}, r"Received: scores\[0, 1\]=nan"),
        ([0, 1], [[[0.5]], [[0.5]]], {}, r"scores.shape=\(2, 1, 1\)"),
        ([0.0, 1.0], [0.5, 0.5], {}, "Received: labels.dtype=float64"),
        ([0, 2], [0.5, 0.5], {}, r"in \[0, 2\). Received: labels\[1\]=2"),
        ([-1], [[0.1, 0.2, 0.7]], {}, r"in \[0, 3\). Received: labels\[0\]"),
        ([0], [[0.1, 0.9]], {"threshold": 0.7}, r"pass scores\[:, 1\]"),
        ([0], [0.1], {"threshold": np.nan}, "finite number. Received: thr"),
        ([0], [0.1], {"class_names": ["a"]}, r"\('a',\), for 2 classes"),
    ],
)
def test_a_report_refuses(labels, scores, options, message):
    with pytest.raises(ValueError, match=message):
        classification_report(labels, scores, **options)
