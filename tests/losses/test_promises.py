"""What every loss of vectors promises, over the list of them."""

import keras
import numpy as np
import pytest
from keras import ops

from semmatch import losses
from semmatch.losses.cross_entropy import CrossEntropy
from semmatch.losses.vector_loss import check_vector_loss
from semmatch.training.microbatch import check_splittable
from tests.checks import json_round_trip
from tests.checks import tensorflow_only
from tests.checks import to_numpy
from tests.losses.cases import BATCH_LEVEL
from tests.losses.cases import CASES
from tests.losses.gradients import compiled_gradient
from tests.losses.gradients import gradient
from tests.losses.vectors import embeddings
from tests.losses.vectors import values

every_loss = pytest.mark.parametrize("name", CASES)


def float32(vectors):
    return ops.convert_to_tensor(vectors, "float32")


def extremes(texts):
    """Batches in which something is as large, small or equal as can be."""
    usual = embeddings(texts=texts)
    zeros_in_it = usual.copy()
    zeros_in_it[:2] = 0
    zeros_in_it[2, 0] = 0
    copies = usual.copy()
    copies[:, :] = usual[:, :1]
    return {
        "zeros": np.zeros_like(usual),
        "zeros among others": zeros_in_it,
        "texts of a row equal": copies,
        "all texts equal": np.ones_like(usual),
        "opposite": usual * np.resize([1, -1], (1, texts, 1)),
        "large": 1e6 * usual,
        "small": 1e-9 * usual,
    }


def other_labels(labels):
    """Labels that say nothing, and labels of empty places alone."""
    if labels.dtype == "float64" and labels.ndim == 2:
        return {"empty": np.full(labels.shape, np.nan)}
    if labels.ndim == 2:
        return {
            "one group": np.zeros(labels.shape, int),
            "empty": np.full(labels.shape, -1),
        }
    return {
        "zero": np.zeros_like(labels),
        "one": np.ones_like(labels),
    }


OF_LOGITS = (CrossEntropy, losses.SoftTargetKL)


def test_every_loss_of_vectors_is_tried():
    of_vectors = {
        thing
        for name in losses.__all__
        if not issubclass(thing := getattr(losses, name), OF_LOGITS)
    }
    assert {type(loss) for loss, _, _ in CASES.values()} == of_vectors


@every_loss
def test_there_is_a_value_for_each_example(name):
    loss, labels, texts = CASES[name]
    found = values(loss, labels, embeddings(texts=texts))
    assert found.shape == (6,)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found.max() > 0


@every_loss
def test_lists_are_as_good_as_arrays(name):
    loss, labels, texts = CASES[name]
    vectors = embeddings(texts=texts)
    expected = loss(labels, vectors)
    found = loss(labels.tolist(), vectors.tolist())
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


@every_loss
def test_values_and_gradients_are_finite_at_extremes(name):
    loss, labels, texts = CASES[name]
    run = compiled_gradient(loss)
    for kind, vectors in extremes(texts).items():
        for choice in [labels, *other_labels(labels).values()]:
            value, slopes = map(to_numpy, run(choice, vectors))
            assert np.isfinite(value), kind
            assert np.isfinite(slopes).all(), kind


@pytest.mark.parametrize(
    "loss",
    [
        losses.CoSENT(1e6),
        losses.AnglE(1e6),
        losses.InfoNCE(1e-6, True),
        losses.Matryoshka(losses.SimCSE(1e-6), [1, 5]),
    ],
)
def test_a_huge_scale_has_finite_gradients(loss):
    labels = np.array([0, 1, 1, 0, 2, 1])
    slopes = gradient(lambda x: loss(labels, x), embeddings())
    assert np.isfinite(slopes).all()
    assert np.abs(slopes).max() > 0


@pytest.mark.parametrize(
    "name", [name for name, (_, labels, _) in CASES.items() if labels.ndim == 2]
)
def test_empty_places_alone_teach_nothing(name):
    loss, labels, texts = CASES[name]
    empty = other_labels(labels)["empty"]
    vectors = embeddings(texts=texts)
    assert float(loss(empty, vectors)) == 0
    assert np.abs(gradient(lambda x: loss(empty, x), vectors)).max() == 0


@every_loss
def test_a_step_against_the_gradient_lowers_it(name):
    loss, labels, texts = CASES[name]
    vectors = embeddings(texts=texts)
    slopes = gradient(lambda x: loss(labels, x), vectors)
    assert np.abs(slopes).max() > 0
    lower = vectors - 1e-3 / np.abs(slopes).max() * slopes
    assert float(loss(labels, lower)) < float(loss(labels, vectors))


@every_loss
def test_it_computes_in_float32_under_another_policy(name):
    loss, labels, texts = CASES[name]
    vectors = float32(embeddings(texts=texts))
    expected = float(loss(labels, vectors))
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        again = json_round_trip(loss)
        found = again(labels, vectors)
    finally:
        keras.config.set_dtype_policy(policy)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert float(found) == pytest.approx(expected, rel=1e-6)


@every_loss
def test_weights_of_one_change_nothing_and_of_zero_leave_nothing(name):
    loss, labels, texts = CASES[name]
    vectors = embeddings(texts=texts)
    expected = float(loss(labels, vectors))
    assert float(loss(labels, vectors, np.ones(6))) == pytest.approx(
        expected, rel=1e-6
    )
    assert float(loss(labels, vectors, np.zeros(6))) == 0
    slopes = gradient(lambda x: loss(labels, x, np.zeros(6)), vectors)
    assert np.abs(slopes).max() == 0


@every_loss
def test_a_model_of_vectors_is_trained_with_it(name):
    loss, _, _ = CASES[name]
    similarity = getattr(loss, "similarity", "cosine")
    assert check_vector_loss(loss, similarity) is loss


@every_loss
def test_it_says_whether_it_compares_examples(name):
    loss, labels, texts = CASES[name]
    assert getattr(loss, "batch_level", False) == (name in BATCH_LEVEL)
    vectors = embeddings(texts=texts, seed=4)
    parts = [
        values(loss, labels[rows], vectors[rows])
        for rows in (slice(0, 3), slice(3, 6))
    ]
    alone = np.allclose(np.concatenate(parts), values(loss, labels, vectors))
    assert alone == (name not in BATCH_LEVEL)


@tensorflow_only
@every_loss
def test_only_others_are_computed_in_parts(name):
    loss, _, _ = CASES[name]
    if name in BATCH_LEVEL:
        with pytest.raises(ValueError, match=f"`{loss.name}` compares all"):
            check_splittable(loss)
    else:
        check_splittable(loss)


def of_any_size(loss, label_shape, label_dtype, texts):
    """A function of batches of any size, as Keras compiles it."""
    import tensorflow as tf

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, *label_shape], label_dtype),
            tf.TensorSpec([None, texts, 5], "float32"),
        ]
    )
    def run(labels, vectors):
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            value = loss(labels, vectors)
        return value, tape.gradient(value, vectors)

    return run


@tensorflow_only
@every_loss
def test_the_size_of_a_batch_may_be_unknown_and_zero(name):
    loss, labels, texts = CASES[name]
    vectors = embeddings(texts=texts).astype("float32")
    run = of_any_size(loss, labels.shape[1:], labels.dtype, texts)
    expected = float(loss(labels, vectors))
    value, slopes = run(labels, vectors)
    assert float(value) == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(slopes).all()
    # A replica may get no rows at the end of an epoch.
    value, slopes = run(labels[:0], vectors[:0])
    assert np.sum(value) == 0
    assert slopes.shape == (0, texts, 5)


@tensorflow_only
@every_loss
def test_the_number_of_texts_may_be_unknown(name):
    loss, labels, texts = CASES[name]
    run = of_any_size(loss, [None] * (labels.ndim - 1), labels.dtype, None)
    vectors = embeddings(texts=texts).astype("float32")
    if getattr(loss, "mining", None) and labels.ndim == 1:
        with pytest.raises(ValueError, match="needs to know which texts"):
            run(labels, vectors)
        return
    expected = float(loss(labels, vectors))
    value, _ = run(labels, vectors)
    assert float(value) == pytest.approx(expected, rel=1e-5)


@every_loss
def test_it_is_compiled(name):
    loss, labels, texts = CASES[name]
    vectors = float32(embeddings(texts=texts))
    expected = float(loss(labels, vectors))
    if keras.config.backend() == "jax":
        import jax

        compiled = jax.jit(lambda x: loss(labels, x))
    else:
        import tensorflow as tf

        compiled = tf.function(lambda x: loss(labels, x), jit_compile=True)
    assert float(compiled(vectors)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "name", [name for name, (_, labels, _) in CASES.items() if labels.ndim == 1]
)
def test_labels_of_lists_are_refused(name):
    loss, labels, texts = CASES[name]
    wrong = np.stack([labels] * (texts + 1), axis=1)
    with pytest.raises(ValueError, match=r"Received: y_true of shape \(6, "):
        loss(wrong, embeddings(texts=texts))


@pytest.mark.parametrize(
    "loss",
    [
        losses.CoSENT(),
        losses.AnglE(),
        losses.CosineMSE(),
        losses.Contrastive(),
        losses.OnlineContrastive(),
    ],
)
def test_losses_of_pairs_name_those_of_lists(loss):
    message = f"`{loss.name}` is a loss of scored pairs.*`InfoNCE`"
    with pytest.raises(ValueError, match=message):
        loss(np.zeros((6, 2)), embeddings())
    for vectors in (embeddings(texts=1), embeddings()[:, 0]):
        with pytest.raises(ValueError, match="compares the two texts"):
            loss(np.zeros(6), vectors)
