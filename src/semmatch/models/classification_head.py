"""From an encoder's outputs to a logit for each class."""

import keras

from semmatch.layers import MultiSampleDropout
from semmatch.models.pooled import pooled_vector


def classification_head(
    backbone, num_classes, pooling, hidden_dim, dropout, dropout_samples=1
):
    """Puts a head on an encoder.

    Args:
        backbone: `keras_hub.models.Backbone` whose output is a tensor or a
            dict with `sequence_output` and perhaps `pooled_output`.
        num_classes: int.
        pooling: one of `POOLINGS`, `"pooler"`, or None for the pooler where
            there is one, else `"cls"`.
        hidden_dim: int or None, the width of a ReLU layer before the logits.
        dropout: float, before the logits, after the ReLU layer.
        dropout_samples: int, rows of logits for each pair in training.

    Returns:
        The logits, a symbolic float32 `(batch, num_classes)`, and the name
        of the pooling that was taken.
    """
    vector, pooling = pooled_vector(backbone, pooling)
    # The head is small: float32 costs nothing and keeps scores apart.
    if hidden_dim is not None:
        vector = keras.layers.Dense(
            hidden_dim, activation="relu", dtype="float32", name="hidden"
        )(vector)
    vector = MultiSampleDropout(
        dropout, dropout_samples, dtype="float32", name="head_dropout"
    )(vector)
    logits = keras.layers.Dense(
        num_classes,
        # As BERT's own classifier starts.
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        dtype="float32",
        name="head",
    )(vector)
    return logits, pooling
