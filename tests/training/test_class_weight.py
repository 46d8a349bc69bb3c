"""Weights of classes against scikit-learn's formula."""

import pytest

from semmatch.training import balanced_class_weight


def test_each_class_weighs_alike():
    labels = [0] * 6 + [1] * 3 + [4]
    weights = balanced_class_weight(labels)
    assert weights == pytest.approx({0: 10 / 18, 1: 10 / 9, 4: 10 / 3})
    totals = [weights[label] * labels.count(label) for label in (0, 1, 4)]
    assert totals == pytest.approx([10 / 3] * 3)


def test_graded_labels_are_refused():
    with pytest.raises(ValueError, match="`labels` must be integers"):
        balanced_class_weight([0.5, 1.0])
