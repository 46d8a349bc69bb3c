"""Figures against hand-worked cases and counting example by example."""

import numpy as np
import pytest

from semmatch.evaluation import average_precision
from semmatch.evaluation import confusion_matrix
from semmatch.evaluation import precision_recall_curve
from semmatch.evaluation import roc_auc

RANKED = [average_precision, precision_recall_curve, roc_auc]


def random_case(seed, distinct_scores):
    """Labels of both classes and scores with many ties."""
    generator = np.random.default_rng(seed)
    size = int(generator.integers(2, 40))
    labels = generator.integers(0, 2, size)
    labels[:2] = [0, 1]
    scores = generator.integers(0, distinct_scores, size) / distinct_scores
    return labels, scores


def slow_average_precision(labels, scores):
    total, previous_recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        predicted = scores >= threshold
        right = np.sum(labels[predicted])
        recall = right / np.sum(labels)
        total += (recall - previous_recall) * right / np.sum(predicted)
        previous_recall = recall
    return total


def slow_roc_auc(labels, scores):
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high in positives
        for low in negatives
    ]
    return sum(wins) / len(wins)


def test_confusion_has_true_rows_and_predicted_columns():
    matrix = confusion_matrix([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 2, 0])
    assert matrix.tolist() == [[1, 2, 0], [0, 1, 1], [1, 0, 0]]
    assert matrix.dtype == np.int64


def test_confusion_counts_every_example_once():
    generator = np.random.default_rng(0)
    labels, predictions = generator.integers(0, 4, (2, 200))
    matrix = confusion_matrix(labels, predictions)
    for true in range(4):
        for predicted in range(4):
            count = sum((labels == true) & (predictions == predicted))
            assert matrix[true, predicted] == count


def test_confusion_has_room_for_classes_not_seen():
    assert confusion_matrix([0], [0], num_classes=3).shape == (3, 3)
    assert confusion_matrix([0], [2]).shape == (3, 3)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int32"])
def test_confusion_of_small_integers_does_not_overflow(dtype):
    labels = np.ones(300, dtype)
    assert confusion_matrix(labels, labels).tolist() == [[0, 0], [0, 300]]


def test_confusion_of_many_classes_in_a_byte_does_not_overflow():
    labels = np.array([99], "int8")
    assert confusion_matrix(labels, labels)[99, 99] == 1


@pytest.mark.parametrize(
    ("labels", "predictions", "num_classes", "message"),
    [
        ([0, 1], [0], None, "Received: 2 labels and 1 predictions"),
        ([], [], None, r"at least one. Received: labels.shape=\(0,\)"),
        ([0.0], [0], None, "Received: labels.dtype=float64"),
        ([0], [0.5], None, "Received: predictions.dtype=float64"),
        ([0, 2], [0, 1], 2, r"in \[0, 2\). Received: labels\[1\]=2"),
        ([0, 1], [0, -1], None, r"at least 0. Received: predictions\[1\]=-1"),
        ([[0, 1]], [0], None, r"Received: labels.shape=\(1, 2\)"),
        ([0], [0], 0, "`num_classes` must be an integer of at least 1"),
    ],
)
def test_confusion_refuses(labels, predictions, num_classes, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(labels, predictions, num_classes=num_classes)


def test_average_precision_by_hand():
    # In falling order: hit (1/1), miss, hit (2/3), miss, hit (3/5).
    labels, scores = [1, 0, 1, 0, 1], [0.9, 0.8, 0.7, 0.6, 0.5]
    expected = (1 / 1 + 2 / 3 + 3 / 5) / 3
    assert average_precision(labels, scores) == pytest.approx(expected)


def test_tied_scores_enter_together_in_average_precision():
    # One threshold admits all three: precision 1/3 for the whole recall.
    assert average_precision([1, 0, 0], [0.5] * 3) == pytest.approx(1 / 3)


def test_roc_auc_by_hand():
    # The positives win 2 and 1 of 2 comparisons, 3 of 4 in all.
    assert roc_auc([1, 0, 1, 0], [0.9, 0.7, 0.5, 0.3]) == 0.75


def test_a_tie_is_half_a_win_in_roc_auc():
    assert roc_auc([1, 0, 0], [0.5, 0.5, 0.1]) == 0.75


@pytest.mark.parametrize("distinct_scores", [1, 3, 1000])
@pytest.mark.parametrize("seed", range(20))
def test_areas_equal_counting_example_by_example(seed, distinct_scores):
    labels, scores = random_case(seed, distinct_scores)
    assert average_precision(labels, scores) == pytest.approx(
        slow_average_precision(labels, scores)
    )
    assert roc_auc(labels, scores) == pytest.approx(
        slow_roc_auc(labels, scores)
    )


@pytest.mark.parametrize("seed", range(10))
def test_each_point_of_the_curve_is_what_its_threshold_gives(seed):
    labels, scores = random_case(seed, 5)
    curve = precision_recall_curve(labels, scores)
    assert curve.thresholds.tolist() == sorted(set(scores), reverse=True)
    for precision, recall, threshold in zip(*curve, strict=True):
        matrix = confusion_matrix(labels, scores >= threshold)
        assert precision == matrix[1, 1] / matrix[:, 1].sum()
        assert recall == matrix[1, 1] / matrix[1].sum()
    assert curve.recall[-1] == 1


def test_the_order_of_the_examples_has_no_effect():
    labels, scores = random_case(3, 4)
    order = np.random.default_rng(0).permutation(len(labels))
    for figure in (average_precision, roc_auc):
        shuffled = figure(labels[order], scores[order])
        assert shuffled == pytest.approx(figure(labels, scores))


def test_columns_as_keras_predicts_them_are_admitted():
    labels, scores = np.array([0, 1, 1]), np.array([0.6, 0.5, 0.7])
    for figure in (average_precision, roc_auc):
        column = figure(labels[:, None], scores[:, None].astype("float32"))
        assert column == figure(labels, scores)


@pytest.mark.parametrize("figure", RANKED)
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_has_no_ranking(figure, label):
    message = (
        f"`{figure.__name__}` expects examples of both classes, 0 and 1. "
        f"Received: 3 labels, all {label}. Evaluate on data"
    )
    with pytest.raises(ValueError, match=message):
        figure([label] * 3, [0.1, 0.2, 0.3])


@pytest.mark.parametrize("figure", RANKED)
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1], [0.1], "Received: 2 labels and 1 scores"),
        ([0, 1], [0.1, np.nan], r"must be finite. Received: scores\[1\]=nan"),
        ([0, 1], [[1.0, 0.0]] * 2, r"shape=\(2, 2\). Pass the column"),
        ([0, 2], [0.1, 0.2], r"in \[0, 2\). Received: labels\[1\]=2"),
    ],
)
def test_ranked_figures_refuse(figure, labels, scores, message):
    with pytest.raises(ValueError, match=message):
        figure(labels, scores)
