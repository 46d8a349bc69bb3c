"""The streaming figure against the exact one and against its bound."""

import json

import keras
import numpy as np
import pytest

from semmatch.evaluation import average_precision
from semmatch.metrics import AveragePrecision


def sigmoid(logits):
    return (1 / (1 + np.exp(-logits))).astype("float32")


def example(kind, size=5000, seed=0):
    """Labels and scores of models that know little or are very sure."""
    generator = np.random.default_rng(seed)
    labels = (generator.random(size) < 0.3).astype("int32")
    noise = generator.normal(size=size)
    signs = 2 * labels - 1
    return labels, {
        "random": generator.random(size).astype("float32"),
        "unsure": sigmoid(signs + noise),
        "sure": sigmoid(3 * signs + 2 * noise),
        "very sure": sigmoid(6 * signs + 2 + 6 * noise),
    }[kind]


def measure(metric, labels, scores, weights=None):
    """The figure after two batches of unequal size."""
    third = len(labels) // 3
    for rows in (slice(None, third), slice(third, None)):
        weight = None if weights is None else weights[rows]
        metric.update_state(labels[rows], scores[rows], weight)
    return float(metric.result())


def documented_bound(metric):
    """The docstring's formula, bin by bin from the highest."""
    bound, above, negatives_above = 0.0, 0.0, 0.0
    positives = keras.ops.convert_to_numpy(metric.positives)
    negatives = keras.ops.convert_to_numpy(metric.negatives)
    for p, n in zip(positives[::-1], negatives[::-1], strict=True):
        if p:
            best = (above + p) / (above + p + negatives_above)
            worst = (above + 1) / (above + 1 + negatives_above + n)
            bound += p / positives.sum() * (best - worst)
        above, negatives_above = above + p, negatives_above + n
    return bound


@pytest.mark.parametrize("kind", ["random", "unsure", "sure", "very sure"])
@pytest.mark.parametrize("seed", range(3))
def test_two_batches_are_close_to_the_exact_figure(kind, seed):
    labels, scores = example(kind, seed=seed)
    result = measure(AveragePrecision(), labels, scores)
    assert abs(result - average_precision(labels, scores)) < 2e-3


@pytest.mark.parametrize("num_thresholds", [1, 5, 30, 1000])
@pytest.mark.parametrize("kind", ["random", "sure"])
def test_the_documented_bound_holds(kind, num_thresholds):
    labels, scores = example(kind, size=400)
    metric = AveragePrecision(num_thresholds)
    difference = measure(metric, labels, scores) - average_precision(
        labels, scores
    )
    # A millionth for float32.
    assert abs(difference) <= documented_bound(metric) + 1e-6


def test_few_distinct_scores_are_exact():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 300)
    scores = generator.integers(0, 21, 300) / 20  # with 0 and 1, in ties
    result = measure(AveragePrecision(), labels, scores)
    assert result == pytest.approx(average_precision(labels, scores))


def test_scores_crowded_at_one_are_told_apart():
    # Even bins of a thousandth would hold all four: 0.5.
    labels = np.array([1, 1, 0, 0])
    scores = np.array([1 - 1e-6, 0.99999, 0.9999, 0.9991], "float32")
    assert measure(AveragePrecision(), labels, scores) == 1


def test_one_threshold_gives_the_base_rate():
    labels, scores = example("sure", size=100)
    result = measure(AveragePrecision(1), labels, scores)
    assert result == pytest.approx(labels.mean())


def test_columns_mean_the_same():
    labels, scores = example("unsure", size=200)
    expected = measure(AveragePrecision(), labels, scores)
    both = np.stack([1 - scores, scores], axis=1)
    for given in (scores[:, None], both):
        result = measure(AveragePrecision(), labels[:, None], given)
        assert result == pytest.approx(expected)


def test_an_integer_weight_repeats_an_example():
    labels, scores = example("unsure", size=200)
    weights = np.random.default_rng(0).integers(0, 4, 200)
    repeated = np.repeat(labels, weights), np.repeat(scores, weights)
    expected = measure(AveragePrecision(), *repeated)
    result = measure(AveragePrecision(), labels, scores, weights)
    assert result == pytest.approx(expected)
    assert result != pytest.approx(measure(AveragePrecision(), labels, scores))


def test_without_positives_it_is_zero():
    metric = AveragePrecision()
    assert float(metric.result()) == 0
    metric.update_state([0, 0], [0.1, 0.9])
    assert float(metric.result()) == 0


def test_reset_forgets():
    labels, scores = example("sure", size=200)
    metric = AveragePrecision()
    expected = measure(metric, labels, scores)
    metric.reset_state()
    assert measure(metric, labels, scores) == pytest.approx(expected)


def test_the_config_gives_the_same_metric_back():
    metric = AveragePrecision(50, name="area")
    config = keras.saving.serialize_keras_object(metric)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert type(again) is AveragePrecision
    assert metric.get_config() == again.get_config()
    assert metric.get_config() == {
        "num_thresholds": 50,
        "name": "area",
        "dtype": "float32",
    }
    assert config["registered_name"] == "semmatch>AveragePrecision"
    assert AveragePrecision().name == "average_precision"


def test_fit_reports_it_for_a_sigmoid_model():
    labels, _ = example("sure", size=90)
    noise = np.random.default_rng(1).normal(size=90)
    features = (labels + noise)[:, None].astype("float32")
    # A random weight near 0 would put scores that differ into one bin.
    head = keras.layers.Dense(
        1, activation="sigmoid", kernel_initializer="ones"
    )
    model = keras.Sequential([head])
    model.compile(
        "sgd", "binary_crossentropy", metrics=[AveragePrecision(10_000)]
    )
    history = model.fit(
        features,
        labels,
        batch_size=40,
        validation_data=(features, labels),
        verbose=0,
    ).history
    exact = average_precision(labels, model.predict(features, verbose=0))
    assert history["val_average_precision"][0] == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize("num_thresholds", [0, True, 10.0])
def test_the_number_of_thresholds_is_checked(num_thresholds):
    with pytest.raises(ValueError, match="`num_thresholds` must be an integer"):
        AveragePrecision(num_thresholds)


def test_scores_of_three_classes_are_refused():
    message = r"`AveragePrecision` expects .* y_pred.shape=\(1, 3\)"
    with pytest.raises(ValueError, match=message):
        AveragePrecision().update_state([0], [[0.1, 0.2, 0.7]])
