"""Which losses a model of logits is trained with."""

import keras
import pytest

from semmatch.losses import CrossEntropy
from semmatch.losses import RDrop
from semmatch.losses.logit_loss import check_loss
from tests.checks import small_model


@pytest.mark.parametrize("form", [list, tuple])
def test_a_loss_in_a_list_of_one_is_that_loss(form):
    loss = RDrop()
    assert check_loss(form([loss])) is loss
    assert check_loss({"head": loss}) is loss
    model = small_model()
    model.compile(loss=[loss])
    features = model.preprocessor.pack(["取消"], ["还款"])
    assert model(features, training=True).shape == (1, 2, 1)


def test_several_losses_are_refused():
    with pytest.raises(ValueError, match="one output, and so one loss"):
        check_loss([CrossEntropy(), RDrop()])


@pytest.mark.parametrize("loss", ["mse", ["binary_crossentropy"]])
def test_a_name_is_refused_in_a_list_too(loss):
    with pytest.raises(ValueError, match="expects probabilities"):
        check_loss(loss)


def test_several_logits_need_a_loss_of_ours():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    assert check_loss(loss) is loss
    with pytest.raises(ValueError, match="a pair has several logits"):
        check_loss(loss, samples=3)
    assert check_loss([RDrop()], samples=3).weight == 4.0
