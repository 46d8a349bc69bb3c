"""What `fit`, `evaluate` and `predict` take, and what they refuse."""

import numpy as np
import pytest

from semmatch.data import Pairs
from tests.checks import tiny_model
from tests.checks import toy_pairs

PAIR_LIST = [("取消", "还款")] * 5
LABELLED = Pairs(["a", "b"], ["c", "d"], [0, 1])


@pytest.fixture(scope="module")
def models():
    return {n: tiny_model(num_classes=n) for n in (1, 2, 3)}


@pytest.fixture(params=["fit", "evaluate"])
def method(request):
    return request.param


@pytest.mark.parametrize(
    ("num_classes", "label", "message"),
    [
        (1, [0, 1, 2], r"in \[0, 1\].*one logit.*label\[2\]=2, and 1 such"),
        (1, [0, -0.5, -1], r"label\[1\]=-0.5, and 2 such labels"),
        (2, [0, 1, 2], r"from 0 to 1 for a model of 2 classes.*label\[2\]=2"),
        (3, [0, 3, 1], r"from 0 to 2 for a model of 3 .*label\[1\]=3, and 1"),
        (3, [0, 0.5, 1], r"whole numbers.*label\[1\]=0.5"),
        (3, [-1, 0, 1], r"label\[0\]=-1.*Set `num_classes`"),
    ],
)
@pytest.mark.parametrize("as_pairs", [True, False])
def test_labels_must_be_of_the_models_classes(
    models, method, num_classes, label, message, as_pairs
):
    texts = (["a"] * 3, ["b"] * 3)
    arguments = (Pairs(*texts, label),) if as_pairs else (texts, label)
    with pytest.raises(ValueError, match=message):
        getattr(models[num_classes], method)(*arguments)


def test_labels_of_validation_data_are_checked_too(models):
    with pytest.raises(ValueError, match=r"label\[1\]=2"):
        models[1].fit(
            toy_pairs(), validation_data=((["a", "b"], ["c", "d"]), [0, 2])
        )


@pytest.mark.parametrize("label", [[0.0, 0.25, 1.0], [0, 1, 1], [1, 1, 1]])
def test_one_logit_takes_graded_labels(models, label):
    pairs = Pairs(["a"] * 3, ["b"] * 3, label)
    assert np.isfinite(models[1].evaluate(pairs, verbose=0)).all()


def test_predict_reads_no_labels(models):
    pairs = Pairs(["a"], ["b"], [7])
    assert models[1].predict(pairs, verbose=0).shape == (1, 1)


@pytest.mark.parametrize(
    ("x", "received"),
    [
        (PAIR_LIST, "a list of 5"),
        (PAIR_LIST[:2], "a list of 2"),
        ([["a"], ["b"]], "a list of 2"),
        (tuple(PAIR_LIST), "a tuple of 5"),
        ("怎么还款", "a str"),
        (np.array(PAIR_LIST), "a ndarray"),
        (None, "a NoneType"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_what_is_no_texts_and_no_dataset_is_refused(
    models, method, x, received
):
    message = rf"a tuple of two lists.*Received: {received}\. .*zip\(\*pairs"
    with pytest.raises(ValueError, match=message):
        getattr(models[1], method)(x)


def test_features_without_labels_are_for_predict_alone(models, method):
    features = models[1].preprocessor.pack(["a"], ["b"])
    with pytest.raises(ValueError, match="Received: a dict"):
        getattr(models[1], method)(features)
    assert models[1].predict(features, verbose=0).shape == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((LABELLED, [0, 1]), "hold their own labels.*x of type Pairs"),
        (((["a"], ["b"]), None), "need labels.*1 pairs, no labels"),
        ((LABELLED[:1].text_a, [0]), "belong to raw texts.*type list"),
    ],
)
def test_labels_stand_in_one_place(models, method, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(models[1], method)(*arguments)


def test_a_dataset_takes_no_labels_and_weights_besides(models, method):
    import tensorflow as tf

    features = models[1].preprocessor.pack(["a"], ["b"])
    dataset = tf.data.Dataset.from_tensors((features, np.array([1])))
    for extra in ({"y": [1]}, {"sample_weight": [1.0]}):
        with pytest.raises(ValueError, match="datasets their own weights"):
            getattr(models[1], method)(dataset, **extra)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (("ab", "cd"), TypeError, "`text_a` must be a list.*string: 'ab'"),
        ((["a", None], ["c", "d"]), TypeError, r"text_a\[1\].*None"),
        ((["a", "b"], ["c"]), ValueError, "2 of text_a, 1 of text_b"),
    ],
)
def test_texts_are_checked_as_in_pairs(models, method, x, error, message):
    with pytest.raises(error, match=message):
        getattr(models[1], method)(x, [0, 1])


def test_one_class_teaches_nothing(models):
    with pytest.raises(ValueError, match="All 3 labels are 1: a model learns"):
        models[1].fit((["a"] * 3, ["b"] * 3), [1, 1, 1])
