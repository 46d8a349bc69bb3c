"""The streaming rank correlation against the exact one."""

import numpy as np
import pytest

from semmatch import evaluation
from semmatch.metrics import Spearman
from tests.checks import to_numpy


def graded(rows=3000, seed=0, low=0.0, spread=1.0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 26, rows) / 5
    scores = labels / 5 + random.normal(scale=0.3, size=rows)
    scores = (scores - scores.min()) / (scores.max() - scores.min())
    return labels.astype("float32"), (low + spread * scores).astype("float32")


def figure(labels, scores, batch=256, weights=None, **kwargs):
    metric = Spearman(**{"label_range": (0, 5), **kwargs})
    for start in range(0, len(labels), batch):
        part = slice(start, start + batch)
        weight = None if weights is None else weights[part]
        metric.update_state(labels[part], scores[part][:, None], weight)
    return float(metric.result())


@pytest.mark.parametrize(("low", "spread"), [(0.0, 1.0), (0.9, 0.1)])
def test_it_is_the_correlation_of_all_batches(low, spread):
    labels, scores = graded(low=low, spread=spread)
    expected = evaluation.spearman(labels, scores)
    assert 0.3 < expected < 0.9
    assert figure(labels, scores) == pytest.approx(expected, abs=2e-3)


def test_few_bins_are_coarse():
    labels, scores = graded(low=0.9, spread=0.1)
    assert figure(labels, scores, num_bins=10) == 0


def test_the_range_of_labels_matters():
    labels, scores = graded()
    cut = evaluation.spearman(np.minimum(labels, 1), scores)
    found = figure(labels, scores, label_range=(0, 1))
    assert found == pytest.approx(cut, abs=2e-3)


def test_a_weight_counts_as_copies():
    labels, scores = graded(400)
    weights = np.random.default_rng(1).integers(0, 3, 400)
    expected = evaluation.spearman(
        np.repeat(labels, weights), np.repeat(scores, weights)
    )
    found = figure(labels, scores, weights=weights)
    assert found == pytest.approx(expected, abs=2e-3)


def test_nothing_and_what_does_not_vary_give_zero():
    metric = Spearman()
    assert float(metric.result()) == 0
    metric.update_state([0.5, 0.5], [0.1, 0.9])
    assert float(metric.result()) == 0
    metric.reset_state()
    assert not to_numpy(metric.counts).any()


def test_a_range_must_be_one():
    with pytest.raises(ValueError, match=r"label_range=\(5, 0\)"):
        Spearman(label_range=(5, 0))
