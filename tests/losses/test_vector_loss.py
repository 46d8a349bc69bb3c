"""A model of vectors is trained with losses of vectors."""

import keras
import pytest
from keras import ops

from semmatch.losses import CoSENT
from semmatch.losses import CrossEntropy
from semmatch.losses import RDrop
from semmatch.losses.vector_loss import check_vector_loss


class Own(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.sum(y_pred, axis=(1, 2))


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_the_default_has_the_similarity_of_the_model(similarity):
    loss = check_vector_loss("auto", similarity)
    assert loss.get_config() == CoSENT(similarity=similarity).get_config()


@pytest.mark.parametrize("loss", [CoSENT(5.0), Own()])
def test_a_loss_of_vectors_is_taken_as_it_is(loss):
    assert check_vector_loss(loss, "cosine") is loss


@pytest.mark.parametrize(
    "loss",
    [
        "mse",
        None,
        [CoSENT()],
        CrossEntropy(),
        RDrop(),
        keras.losses.BinaryCrossentropy(from_logits=True),
        keras.losses.MeanSquaredError(),
        keras.losses.CosineSimilarity(),
    ],
)
def test_a_loss_of_anything_else_is_refused(loss):
    with pytest.raises(ValueError, match="returns vectors.*CoSENT.*loss="):
        check_vector_loss(loss, "cosine")
