"""From an encoder's outputs to the vector of a text."""

import keras

from semmatch._checks import check_positive_int
from semmatch.losses.similarity import unit_vectors
from semmatch.models.pooled import pooled_vector


def embedding_head(
    backbone, pooling, projection_dim, projection_activation, normalize
):
    """Puts pooling, projection and normalisation on an encoder.

    Args:
        backbone: `keras_hub.models.Backbone`, as of `pooled_vector`.
        pooling: string, as of `pooled_vector`.
        projection_dim: int or None, the width of a dense layer.
        projection_activation: its activation, or None.
        normalize: bool, whether vectors get the length 1.

    Returns:
        The vectors, a symbolic float32 `(batch, dim)`.
    """
    vector, _ = pooled_vector(backbone, pooling)
    if projection_dim is not None:
        vector = keras.layers.Dense(
            check_positive_int(projection_dim, "projection_dim"),
            activation=projection_activation,
            dtype="float32",
            name="projection",
        )(vector)
    elif projection_activation is not None:
        raise ValueError(
            "`projection_activation` is that of the layer of `projection_dim`, "
            f"which is None. Received: {projection_activation!r}."
        )
    # A pooler computes in the encoder's precision.
    vector = keras.layers.Activation(
        "linear", dtype="float32", name="embedding"
    )(vector)
    return unit_vectors(vector) if normalize else vector
