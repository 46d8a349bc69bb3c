"""From an encoder's outputs to a logit for each class."""

import keras

from semmatch._checks import check_one_of
from semmatch.layers import MultiSampleDropout
from semmatch.layers import POOLINGS


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
    outputs = backbone(backbone.input)
    if not isinstance(outputs, dict):
        outputs = {"sequence_output": outputs}
    has_pooler = "pooled_output" in outputs
    if pooling is None:
        pooling = "pooler" if has_pooler else "cls"
    allowed = [*POOLINGS, "pooler"] if has_pooler else [*POOLINGS]
    check_one_of(pooling, allowed, "pooling")

    if has_pooler and pooling != "pooler":
        # It gets no gradient, of which Keras would warn at every training.
        backbone.output[
            "pooled_output"
        ]._keras_history.operation.trainable = False

    # The head is small: float32 costs nothing and keeps scores apart.
    if pooling == "pooler":
        vector = outputs["pooled_output"]
    else:
        vector = POOLINGS[pooling](dtype="float32", name="pooling")(
            outputs["sequence_output"], backbone.input["padding_mask"]
        )
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
