"""Parts of a batch of vectors train as the whole batch does."""

import keras
import numpy as np
import pytest

from semmatch.data import Triplets
from semmatch.losses import CoSENT
from semmatch.losses import InfoNCE
from semmatch.losses import LossSum
from semmatch.losses import Matryoshka
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import to_numpy
from tests.models.bi_models import bi_model
from tests.models.bi_models import topic_pairs
from tests.training import two_replicas

PAIRS = topic_pairs()
TRIPLETS = Triplets(
    ["取消", "借款", "还款", "Hello", "怎么"] * 2,
    ["取消吧", "借", "还", "Hello 取消", "怎么还款"] * 2,
    [["借"], [], ["取消"], ["还款"], ["取消", "借"]] * 2,
)
LOSSES = {
    "cosent": (CoSENT, PAIRS),
    "info_nce": (InfoNCE, TRIPLETS),
    "both directions": (lambda: InfoNCE(symmetric=True), TRIPLETS),
    "matryoshka": (lambda: Matryoshka(InfoNCE(), [4, 8]), TRIPLETS),
    "sum": (lambda: LossSum([CoSENT(), CoSENT(5.0)]), PAIRS),
}


def trained(loss, data, micro_batch_size, model=None, **options):
    """Weights after two epochs, and the figures of the epochs."""
    model = model or bi_model()
    before = [to_numpy(variable) for variable in model.trainable_variables]
    model.compile(
        keras.optimizers.SGD(0.1),
        loss,
        micro_batch_size=micro_batch_size,
        **options,
    )
    keras.utils.set_random_seed(3)
    history = model.fit(data, batch_size=len(data), epochs=2, verbose=0).history
    after = [to_numpy(variable) for variable in model.trainable_variables]
    moved = [np.abs(a - b).max() for a, b in zip(before, after, strict=True)]
    assert max(moved) > 1e-3
    return after, history


def assert_same(one, other, atol=1e-5):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_allclose(a, b, atol=atol)
    assert one[1].keys() == other[1].keys()
    for name, values in one[1].items():
        np.testing.assert_allclose(values, other[1][name], atol=1e-5)


@tensorflow_only
@pytest.mark.parametrize(
    "name",
    [
        "info_nce",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in LOSSES
            if name != "info_nce"
        ),
    ],
)
def test_the_gradient_is_that_of_the_whole_batch(name):
    loss, data = LOSSES[name]
    # 7 parts of 3 and one of less: none of them alone has the negatives.
    assert_same(trained(loss(), data, 3), trained(loss(), data, None))


@pytest.mark.slow
@tensorflow_only
def test_weights_of_pairs_count_in_parts_too():
    from semmatch.data import pair_dataset

    def run(size):
        model = bi_model()
        weight = np.linspace(0, 2, len(PAIRS))
        data = pair_dataset(
            PAIRS,
            model.preprocessor,
            batch_size=len(PAIRS),
            sample_weight=weight,
        )
        model.compile(keras.optimizers.SGD(0.1), micro_batch_size=size)
        history = model.fit(data, verbose=0).history
        return model.get_weights(), history

    assert_same(run(5), run(None))


@pytest.mark.slow
@tensorflow_only
def test_both_passes_drop_the_same():
    def model():
        keras.utils.set_random_seed(0)
        return bi_model(tiny_encoder(num_layers=1, dropout=0.3))

    # One part with the seeds of the whole batch.
    size = len(PAIRS)
    expected = trained(CoSENT(), PAIRS, None, model())
    assert_same(trained(CoSENT(), PAIRS, size, model()), expected)
    # And seeds go on from step to step.
    again = trained(CoSENT(), PAIRS, size, model())
    assert_same(again, expected)


@pytest.mark.slow
@tensorflow_only
def test_a_loss_that_adds_up_goes_through_parts_without_a_cache():
    from semmatch.losses import CosineMSE

    assert_same(
        trained(CosineMSE(), PAIRS, 7), trained(CosineMSE(), PAIRS, None)
    )


@pytest.mark.slow
@tensorflow_only
@pytest.mark.parametrize("size", [None, 5])
def test_the_negatives_of_two_replicas_are_those_of_one_process(size):
    arguments = [] if size is None else ["--micro-batch-size", size]
    figures = two_replicas.run("--model", "vectors", *arguments)
    assert figures["moved"] > 0.01
    assert figures["apart"] < 1e-5


@tensorflow_only
def test_a_cross_encoder_has_no_vectors_to_cache():
    class Whole(keras.losses.Loss):
        batch_level = True

    with pytest.raises(ValueError, match="compares all examples of a batch"):
        tiny_model().compile(loss=Whole(), micro_batch_size=4)


@pytest.mark.skipif(
    keras.config.backend() == "tensorflow", reason="other backends alone"
)
def test_other_backends_are_told():
    with pytest.raises(ValueError, match="needs the TensorFlow backend"):
        bi_model().compile(micro_batch_size=4)
