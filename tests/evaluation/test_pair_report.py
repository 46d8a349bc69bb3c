"""What a report on pairs shows, and its two forms of output."""

import json

import numpy as np
import pytest

from semmatch.data import Pairs
from semmatch.evaluation import classification_report
from semmatch.evaluation import evaluate_pairs
from tests.evaluation.fixed_scores import CLASSES
from tests.evaluation.fixed_scores import FixedScores
from tests.evaluation.fixed_scores import LABELS
from tests.evaluation.fixed_scores import report_of
from tests.evaluation.fixed_scores import SCORES


def test_the_worst_errors_are_the_surest():
    report = report_of()
    assert report.worst_errors() == [
        (3, "a3", "b3", 0, pytest.approx(0.7)),
        (7, "a7", "b7", 1, pytest.approx(0.3)),
        (2, "a2", "b2", 1, pytest.approx(0.55)),
    ]
    assert report.worst_errors(1) == report.worst_errors()[:1]
    # At 0.5 another one is wrong, and row 2 right.
    rows = [error.index for error in report_of(threshold=0.5).worst_errors()]
    assert rows == [3, 7, 6]
    # Far from a high threshold and near the label is no bad error.
    rows = [error.index for error in report_of(threshold=0.9).worst_errors()]
    assert rows == [7, 2, 1]
    assert report.worst_errors()[0].text_b == "b3"
    with pytest.raises(ValueError, match="`count` must be an integer of at"):
        report.worst_errors(0)


def test_the_worst_errors_of_classes_go_by_the_predicted_one():
    report = report_of([1, 0, 0, 2], CLASSES)
    assert report.worst_errors() == [
        (2, "a2", "b2", 0, 0.7),
        (1, "a1", "b1", 0, 0.6),
        (0, "a0", "b0", 1, 0.5),
    ]


def test_errors_are_shown_one_a_line():
    pairs = Pairs(["怎么\n还款", "a"], ["如何  还", "b"], [0, 0])
    model = FixedScores(np.array([0.75, 0.875]))
    report = evaluate_pairs(model, pairs, num_resamples=1)
    lines = report.errors_table().splitlines()
    assert [line.split() for line in lines] == [
        ["row", "label", "score", "texts"],
        ["1", "0", "0.8750", "a", "|", "b"],
        ["0", "0", "0.7500", "怎么", "还款", "|", "如何", "还"],
    ]
    assert len(report.errors_table(1).splitlines()) == 2
    right = evaluate_pairs(
        FixedScores(np.array([0.1, 0.1])), pairs, num_resamples=1
    )
    assert right.errors_table().split() == ["row", "label", "score", "texts"]


def test_the_text_shows_every_figure():
    report = report_of(prior=0.1)
    text = str(report)
    assert text.startswith("8 pairs, 4 of label 1\n")
    low, high = report.intervals["mcc"]
    rows = {line[:18].strip(): line[18:].split() for line in text.splitlines()}
    expected = [f"{report.mcc:.4f}", f"{low:.4f}", "to", f"{high:.4f}"]
    assert rows["Matthews"] == expected
    for title, name in [
        ("accuracy", "accuracy"),
        ("F1", "f1"),
        ("AUC", "auc"),
        ("average precision", "average_precision"),
        ("Spearman", "spearman"),
        ("calibration error", "ece"),
        ("Brier score", "brier"),
    ]:
        assert rows[title][0] == f"{getattr(report, name):.4f}"
    at_half, at_threshold = report.classification_at_half, report.classification
    assert rows["score >= 0.5"][0] == f"{at_half.accuracy:.4f}"
    assert rows["score >= 0.5"][3] == f"{at_half.f1[1]:.4f}"
    assert rows["score >= 0.6"][1] == f"{at_threshold.precision[1]:.4f}"
    assert rows["score >= 0.6"][2] == f"{at_threshold.recall[1]:.4f}"
    assert rows["at 0.6, prior 0.1"] == [
        f"{value:.4f}" for value in report.at_prior[1:]
    ]
    assert str(report_of(threshold=0.5)).count("score >=") == 1


@pytest.mark.parametrize(
    ("labels", "scores", "options"),
    [
        (LABELS, SCORES, {"prior": 0.1}),
        (LABELS, SCORES, {}),
        ([1, 1], [0.2, 0.7], {}),
        ([0, 1, 2, 2], CLASSES, {}),
        ([0.1, 0.5, 0.4], [0.2, 0.7, 0.3], {}),
    ],
)
def test_the_dictionary_is_json_and_complete(labels, scores, options):
    report = report_of(labels, np.asarray(scores), **options)
    values = report.to_dict()
    assert json.loads(json.dumps(values)) == values
    left_out = {"pairs", "labels", "scores"}
    assert set(values) == {"num_pairs"} | set(vars(report)) - left_out
    assert values["num_pairs"] == len(labels)
    assert values["spearman"] == report.spearman
    assert values["pearson"] == report.pearson
    if report.at_prior is not None:
        assert values["at_prior"]["precision"] == report.at_prior.precision
    if report.classification is not None:
        again = classification_report(
            labels,
            np.asarray(scores),
            **{"threshold": 0.6} if np.ndim(scores) == 1 else {},
        )
        assert values["classification"] == again.to_dict()
