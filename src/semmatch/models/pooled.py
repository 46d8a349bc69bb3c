"""From an encoder's outputs to one vector for each row."""

import keras

from semmatch._checks import check_one_of
from semmatch.layers import POOLINGS


def pooled_vector(backbone, pooling):
    """Pools what an encoder gives.

    Args:
        backbone: `keras_hub.models.Backbone` whose output is a tensor or a
            dict with `sequence_output` and perhaps `pooled_output`.
        pooling: one of `POOLINGS`, `"first_last"` (the mean over the first
            and the last layer), `"pooler"`, or None for the pooler where
            there is one, else `"cls"`.

    Returns:
        A symbolic float `(batch, dim)` and the name of the pooling taken.

    Raises:
        ValueError: for another pooling; for a backbone without padding.
    """
    outputs = backbone(backbone.input)
    if not isinstance(outputs, dict):
        outputs = {"sequence_output": outputs}
    has_pooler = "pooled_output" in outputs
    if pooling is None:
        pooling = "pooler" if has_pooler else "cls"
    allowed = [*POOLINGS]
    if "block_0" in {layer.name for layer in backbone.layers}:
        allowed.append("first_last")
    if has_pooler:
        allowed.append("pooler")
    check_one_of(pooling, allowed, "pooling")

    if has_pooler:
        pooler = backbone.output["pooled_output"]._keras_history.operation
        left_out = getattr(pooler, "left_out", False)
        if pooling != "pooler":
            # It gets no gradient, of which Keras would warn at every training.
            pooler.left_out = left_out or pooler.trainable
            pooler.trainable = False
        elif left_out:
            # By an earlier model of the same encoder, not by its user.
            pooler.trainable = True

    if pooling == "pooler":
        return outputs["pooled_output"], pooling
    _check_reads_padding(backbone, pooling)
    tokens, kind = outputs["sequence_output"], pooling
    if pooling == "first_last":
        tokens, kind = _first_and_last(backbone), "mean"
    # In float32, as what follows: it costs nothing and keeps scores apart.
    layer = POOLINGS[kind](
        dtype="float32",
        # A name of its own for the one that has weights.
        name="attention_pooling" if kind == "attention" else "pooling",
    )
    return layer(tokens, backbone.input["padding_mask"]), pooling


def _check_reads_padding(backbone, pooling):
    if "padding_mask" not in backbone.input:
        raise ValueError(
            f"The pooling {pooling!r} leaves padding out and needs a backbone "
            "that reads `padding_mask`. Received: a "
            f"`{type(backbone).__name__}` that reads {sorted(backbone.input)}."
        )


def _first_and_last(backbone):
    """The mean of what the first and the last block give for each token.

    Source: Su et al. 2021, "Whitening sentence representations for better
    semantics and faster retrieval", which calls it first-last-avg.
    """
    # A block that is shared by all layers was called for the first one first.
    first = backbone.get_layer("block_0")._inbound_nodes[0].output_tensors[0]
    last = backbone.output
    if isinstance(last, dict):
        last = last["sequence_output"]
    both = keras.Model(backbone.input, [first, last], name=backbone.name)
    return keras.layers.Average(dtype="float32", name="first_last")(
        both(backbone.input)
    )
