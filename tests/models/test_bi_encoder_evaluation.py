"""Bi-encoders under the evaluations that do not know them."""

import numpy as np
import pytest

from semmatch.data import Pairs
from semmatch.evaluation import compare
from semmatch.evaluation import evaluate_pairs
from tests.models.bi_models import bi_model
from tests.models.bi_models import topic_pairs


def test_bi_encoders_decide_at_the_threshold_that_was_fitted_to_each():
    pairs = topic_pairs()
    half = Pairs(pairs.text_a[::2], pairs.text_b[::2], pairs.label[::2])
    model_a, model_b = bi_model(), bi_model(similarity="euclidean")
    right = []
    for model in (model_a, model_b):
        # As unfitted models have it, 0.5 would call all alike.
        assert len(set(model.score(pairs) >= 0.5)) == 1
        threshold = model.fit_threshold(half, by="accuracy").value
        assert threshold == model.scoring.threshold
        right.append((model.score(pairs) >= threshold) == pairs.label)
    comparison = compare(model_a, model_b, pairs)
    assert comparison.accuracy_a == pytest.approx(right[0].mean())
    assert comparison.accuracy_b == pytest.approx(right[1].mean())
    assert comparison.only_a_right == np.sum(right[0] & ~right[1])


def test_graded_labels_meet_the_similarities_of_the_vectors():
    model = bi_model(similarity="euclidean")
    pairs = topic_pairs()
    grades = np.random.default_rng(0).integers(0, 6, len(pairs))
    graded = Pairs(pairs.text_a, pairs.text_b, grades)
    report = evaluate_pairs(model, graded, num_resamples=5)
    a, b = model.encode(pairs.text_a), model.encode(pairs.text_b)
    distances = np.linalg.norm(a - b, axis=1)
    expected = np.corrcoef(grades, -distances)[0, 1]
    assert report.pearson == pytest.approx(expected, abs=1e-4)
