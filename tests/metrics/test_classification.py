"""Precision, recall and F1 over batches against the report of all at once."""

import json

import keras
import numpy as np
import pytest

from semmatch.evaluation import classification_report
from semmatch.metrics import F1
from semmatch.metrics import Precision
from semmatch.metrics import Recall

METRICS = {"precision": Precision, "recall": Recall, "f1": F1}
ALL = pytest.mark.parametrize("name", METRICS)

LABELS = np.array([0, 0, 0, 1, 1, 1, 1], "int32")
SCORES = np.array([0.1, 0.5, 0.2, 0.9, 0.4, 0.8, 0.6], "float32")
# One of three negatives and three of four positives are called positive.
BY_HAND = {"precision": 3 / 4, "recall": 3 / 4, "f1": 3 / 4}


def measure(metric, labels, scores, weights=None, first=5):
    """The figure after two batches of unequal size."""
    for rows in (slice(None, first), slice(first, None)):
        weight = None if weights is None else weights[rows]
        metric.update_state(labels[rows], scores[rows], weight)
    return float(metric.result())


@ALL
def test_the_positive_class_is_the_default_for_single_scores(name):
    result = measure(METRICS[name](), LABELS, SCORES)
    assert result == pytest.approx(BY_HAND[name])


@ALL
def test_batches_add_up_where_their_figures_would_not_average(name):
    # Batch one is all wrong, batch two, twice as long, all right.
    labels, scores = np.array([0, 1, 1, 1, 0, 0]), [0.9, 0.1, 0.9, 0.8, 0, 0]
    result = measure(METRICS[name](), labels, np.array(scores), first=2)
    assert result == pytest.approx(2 / 3)  # two right, one false, one missed


@ALL
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("class_id", [None, 0, 1])
def test_two_classes_equal_the_report(name, class_id, threshold):
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 101)
    scores = generator.integers(0, 11, 101).astype("float32") / 10
    report = classification_report(labels, scores, threshold=threshold)
    metric = METRICS[name](class_id, threshold=threshold)
    expected = getattr(report, name)[1 if class_id is None else class_id]
    assert measure(metric, labels, scores) == pytest.approx(expected)


@ALL
def test_macro_is_the_mean_over_both_classes(name):
    report = classification_report(LABELS, SCORES)
    result = measure(METRICS[name](average="macro"), LABELS, SCORES)
    assert result == pytest.approx(getattr(report, name).mean())
    assert result != pytest.approx(BY_HAND[name])


@ALL
@pytest.mark.parametrize("class_id", [None, 0, 2])
def test_more_classes_equal_the_report(name, class_id):
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 3, 50)
    scores = generator.random((50, 3)).astype("float32")
    figures = getattr(classification_report(labels, scores), name)
    expected = figures.mean() if class_id is None else figures[class_id]
    metric = METRICS[name](class_id, num_classes=3)
    assert measure(metric, labels, scores) == pytest.approx(expected)


@ALL
@pytest.mark.parametrize("first", [0.7, 0.5])
def test_two_columns_go_by_the_larger_and_not_by_the_threshold(name, first):
    scores = np.array([[first, 1 - first], [0.1, 0.2]])
    report = classification_report([1, 1], scores)
    metric = METRICS[name](threshold=0.15)
    result = measure(metric, np.array([1, 1]), scores, first=1)
    assert result == pytest.approx(getattr(report, name)[1])


@ALL
def test_columns_and_other_types_mean_the_same(name):
    labels, scores = LABELS[:, None], SCORES[:, None]
    for label_type in ("bool", "int64", "float32"):
        result = measure(METRICS[name](), labels.astype(label_type), scores)
        assert result == pytest.approx(BY_HAND[name])


@ALL
def test_an_integer_weight_repeats_an_example(name):
    weights = np.array([0, 3, 1, 2, 1, 0, 5])
    repeated = classification_report(
        np.repeat(LABELS, weights), np.repeat(SCORES, weights)
    )
    expected = getattr(repeated, name)[1]
    for given in (weights, weights[:, None]):
        result = measure(METRICS[name](), LABELS, SCORES, given)
        assert result == pytest.approx(expected)
    assert expected != pytest.approx(BY_HAND[name])


@ALL
def test_a_score_at_the_threshold_is_positive(name):
    metric = METRICS[name](threshold=0.7)
    metric.update_state([1], np.array([0.7], "float32"))
    assert float(metric.result()) == 1


@ALL
@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_an_undefined_figure_is_zero(name, labels):
    metric = METRICS[name]()
    assert float(metric.result()) == 0
    metric.update_state(labels, [0.1, 0.2])
    assert float(metric.result()) == 0


@ALL
def test_reset_forgets(name):
    metric = METRICS[name]()
    measure(metric, 1 - LABELS, SCORES)
    metric.reset_state()
    assert measure(metric, LABELS, SCORES) == pytest.approx(BY_HAND[name])


@ALL
def test_the_config_gives_the_same_metric_back(name):
    metric = METRICS[name](
        2, average="auto", num_classes=3, threshold=0.25, name="other"
    )
    config = keras.saving.serialize_keras_object(metric)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert type(again) is METRICS[name]
    assert again.get_config() == metric.get_config()
    assert metric.get_config() == {
        "class_id": 2,
        "average": "auto",
        "num_classes": 3,
        "threshold": 0.25,
        "name": "other",
        "dtype": "float32",
    }
    assert config["registered_name"] == f"semmatch>{METRICS[name].__name__}"


@ALL
def test_the_default_name_is_the_one_to_monitor(name):
    assert METRICS[name]().name == name
    assert METRICS[name]().name == name  # Keras would number the second


def test_early_stopping_watches_the_exact_validation_f1():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(90, 4)).astype("float32")
    labels = (features.sum(axis=1) > 0.8).astype("int32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[F1()])
    stopping = keras.callbacks.EarlyStopping(monitor="val_f1", mode="max")
    history = model.fit(
        features,
        labels,
        batch_size=40,
        epochs=2,
        validation_data=(features, labels),
        callbacks=[stopping],
        verbose=0,
    ).history
    scores = model.predict(features, verbose=0)
    expected = classification_report(labels, scores).f1[1]
    assert 0 < expected < 1
    assert history["val_f1"][-1] == pytest.approx(expected)
    assert stopping.best == max(history["val_f1"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_id": 2}, r"`class_id` must be one of \[0, 1\]. Received: "),
        ({"class_id": -1}, "class_id=-1"),
        ({"average": "micro"}, r"\['auto', 'macro', 'positive'\]"),
        ({"class_id": 1, "average": "macro"}, "pass one of them"),
        ({"average": "positive", "num_classes": 3}, "name one by `class_id`"),
        ({"num_classes": 1}, "at least 2; a single score an example means 2"),
        ({"num_classes": 2.0}, "must be an integer of at least 1"),
        ({"threshold": float("nan")}, "must be a finite number"),
    ],
)
def test_arguments_that_contradict_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        F1(**options)


@ALL
@pytest.mark.parametrize(
    ("num_classes", "labels", "scores", "message"),
    [
        (3, [0, 1], [0.1, 0.9], r"y_pred.shape=\(2,\). Set `num_classes`"),
        (2, [0], [[0.1, 0.2, 0.7]], r"or a single one. Received: .*\(1, 3\)"),
        (2, [[0, 1]], [[0.1, 0.9]], "Turn one-hot labels into classes"),
        (2, [0, 1], [0.5], r"y_true.shape=\(2,\), y_pred.shape=\(1,\)"),
        (2, [0], [[[0.5]]], r"Received: y_pred.shape=\(1, 1, 1\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    name, num_classes, labels, scores, message
):
    metric = METRICS[name](num_classes=num_classes)
    message = f"`{type(metric).__name__}`.*{message}"
    with pytest.raises(ValueError, match=message):
        metric.update_state(labels, scores)
