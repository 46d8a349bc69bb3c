"""From the vectors of two texts to logits of their classes."""

import keras
from keras import ops

from semmatch._checks import check_positive_int


@keras.saving.register_keras_serializable(package="semmatch")
class PairHead(keras.layers.Layer):
    """Classifies pairs by a dense layer on `[u; v; |u - v|; u * v]`.

    Source: Reimers and Gurevych 2019, Sentence-BERT, with the product of
    Conneau et al. 2017, InferSent.

    Args:
        num_classes: int, two or more.
        **kwargs: as of `keras.layers.Layer`.

    Call arguments:
        embeddings: float `(batch, texts, dim)`, of which the first two texts
            are compared.

    Returns:
        float `(batch, num_classes)`, logits.

    >>> import numpy as np
    >>> PairHead(3)(np.ones((4, 2, 8))).shape
    TensorShape([4, 3])
    """

    def __init__(self, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = check_positive_int(num_classes, "num_classes")
        if num_classes < 2:
            raise ValueError(
                "`PairHead` has a logit for each of two classes or more. "
                f"Received: num_classes={num_classes}."
            )
        self.dense = keras.layers.Dense(
            num_classes, dtype=self.dtype_policy, name="dense"
        )

    def build(self, embeddings_shape):
        self.dense.build((embeddings_shape[0], 4 * embeddings_shape[-1]))

    def call(self, embeddings):
        u, v = embeddings[:, 0], embeddings[:, 1]
        features = [u, v, ops.abs(u - v), u * v]
        return self.dense(ops.concatenate(features, axis=-1))

    def compute_output_shape(self, embeddings_shape):
        return (embeddings_shape[0], self.num_classes)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}
