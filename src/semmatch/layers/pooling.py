"""From a vector for each token to one vector for the text."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="semmatch")
class ClsPooling(keras.layers.Layer):
    """Takes the vector of the first token.

    Source: Devlin et al. 2018, BERT.

    Call arguments:
        tokens: float `(batch, length, dim)`.
        padding_mask: int32 `(batch, length)`; not read, the first token is
            never padding.

    Returns:
        float `(batch, dim)`.

    >>> import numpy as np
    >>> tokens = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> np.asarray(ClsPooling()(tokens, np.array([[1, 1]]))).tolist()
    [[1.0, 2.0]]
    """

    def call(self, tokens, padding_mask):
        return tokens[:, 0, :]


@keras.saving.register_keras_serializable(package="semmatch")
class MeanPooling(keras.layers.Layer):
    """Averages the vectors of the real tokens; all padding gives zeros.

    Source: Reimers and Gurevych 2019, Sentence-BERT.

    Call arguments:
        tokens: float `(batch, length, dim)`.
        padding_mask: int32 `(batch, length)`, 1 for a real token.

    Returns:
        float32 `(batch, dim)`.

    >>> import numpy as np
    >>> tokens = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]])
    >>> np.asarray(MeanPooling()(tokens, np.array([[1, 1, 0]]))).tolist()
    [[2.0, 3.0]]
    """

    def call(self, tokens, padding_mask):
        # In float32, since a sum of many bfloat16 values loses its end.
        tokens = ops.cast(tokens, "float32")
        mask = ops.cast(ops.expand_dims(padding_mask, -1), "float32")
        total = ops.sum(tokens * mask, axis=1)
        return total / ops.maximum(ops.sum(mask, axis=1), 1.0)


@keras.saving.register_keras_serializable(package="semmatch")
class MaxPooling(keras.layers.Layer):
    """Takes each dimension's largest value over the real tokens.

    Source: Reimers and Gurevych 2019, Sentence-BERT.

    Call arguments:
        tokens: float `(batch, length, dim)`.
        padding_mask: int32 `(batch, length)`, 1 for a real token; a row of
            padding alone gives the lowest value of the type.

    Returns:
        float `(batch, dim)`.

    >>> import numpy as np
    >>> tokens = np.array([[[1.0, 4.0], [3.0, 2.0], [9.0, 9.0]]])
    >>> np.asarray(MaxPooling()(tokens, np.array([[1, 1, 0]]))).tolist()
    [[3.0, 4.0]]
    """

    def call(self, tokens, padding_mask):
        real = ops.expand_dims(padding_mask, -1) > 0
        lowest = ops.cast(-3e38, tokens.dtype)
        return ops.max(ops.where(real, tokens, lowest), axis=1)


POOLINGS = {"cls": ClsPooling, "mean": MeanPooling, "max": MaxPooling}
