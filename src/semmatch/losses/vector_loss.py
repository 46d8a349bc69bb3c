"""Which losses a model of vectors can be trained with."""

import keras

from semmatch.losses.cosent import CoSENT
from semmatch.losses.cross_entropy import CrossEntropy


def check_vector_loss(loss, similarity):
    """The loss to train with, if it is one of vectors.

    Args:
        loss: `"auto"` for `CoSENT`, or a `keras.losses.Loss` of `(batch,
            texts, dim)`.
        similarity: string, the model's, for `CoSENT`.

    Raises:
        ValueError: for a loss of logits, ours or Keras's, which might train
            something without an error.

    >>> check_vector_loss("auto", "dot").similarity
    'dot'
    """
    if isinstance(loss, str) and loss == "auto":
        return CoSENT(similarity=similarity)
    of_logits = isinstance(loss, CrossEntropy) or type(
        loss
    ).__module__.startswith("keras.")
    if of_logits or not isinstance(loss, keras.losses.Loss):
        raise ValueError(
            "The model returns vectors, and a loss of vectors is an object, "
            f"such as `semmatch.losses.CoSENT()`. Received: loss={loss!r}."
        )
    return loss
