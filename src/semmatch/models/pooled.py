"""From an encoder's outputs to one vector for each row."""

from semmatch._checks import check_one_of
from semmatch.layers import POOLINGS


def pooled_vector(backbone, pooling):
    """Pools what an encoder gives.

    Args:
        backbone: `keras_hub.models.Backbone` whose output is a tensor or a
            dict with `sequence_output` and perhaps `pooled_output`.
        pooling: one of `POOLINGS`, `"pooler"`, or None for the pooler where
            there is one, else `"cls"`.

    Returns:
        A symbolic float `(batch, dim)` and the name of the pooling taken.
    """
    outputs = backbone(backbone.input)
    if not isinstance(outputs, dict):
        outputs = {"sequence_output": outputs}
    has_pooler = "pooled_output" in outputs
    if pooling is None:
        pooling = "pooler" if has_pooler else "cls"
    allowed = [*POOLINGS, "pooler"] if has_pooler else [*POOLINGS]
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
    # In float32, as what follows: it costs nothing and keeps scores apart.
    vector = POOLINGS[pooling](dtype="float32", name="pooling")(
        outputs["sequence_output"], backbone.input["padding_mask"]
    )
    return vector, pooling
