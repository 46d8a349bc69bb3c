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


@keras.saving.register_keras_serializable(package="semmatch")
class MeanSqrtPooling(keras.layers.Layer):
    """Sums the vectors of the real tokens over the root of their number.

    Source: Cer et al. 2018, Universal Sentence Encoder; sentence-transformers
    calls it `mean_sqrt_len_tokens`.

    Call arguments:
        tokens: float `(batch, length, dim)`.
        padding_mask: int32 `(batch, length)`, 1 for a real token.

    Returns:
        float32 `(batch, dim)`; all padding gives zeros.

    >>> import numpy as np
    >>> tokens = np.ones((1, 4, 2))
    >>> np.asarray(MeanSqrtPooling()(tokens, np.ones((1, 4)))).tolist()
    [[2.0, 2.0]]
    """

    def call(self, tokens, padding_mask):
        mask = ops.cast(ops.expand_dims(padding_mask, -1), "float32")
        total = ops.sum(ops.cast(tokens, "float32") * mask, axis=1)
        return total / ops.sqrt(ops.maximum(ops.sum(mask, axis=1), 1.0))


@keras.saving.register_keras_serializable(package="semmatch")
class WeightedMeanPooling(keras.layers.Layer):
    """Averages the vectors of the real tokens, the n-th counting n times.

    Source: Muennighoff 2022, "SGPT".

    Call arguments:
        tokens: float `(batch, length, dim)`.
        padding_mask: int32 `(batch, length)`, 1 for a real token.

    Returns:
        float32 `(batch, dim)`; all padding gives zeros.

    >>> import numpy as np
    >>> tokens = np.array([[[3.0], [6.0], [9.0]]])
    >>> np.asarray(WeightedMeanPooling()(tokens, np.array([[1, 1, 0]])))
    array([[5.]], dtype=float32)
    """

    def call(self, tokens, padding_mask):
        mask = ops.cast(padding_mask, "float32")
        places = ops.cast(ops.arange(1, ops.shape(mask)[1] + 1), "float32")
        weights = ops.expand_dims(mask * places, -1)
        total = ops.sum(ops.cast(tokens, "float32") * weights, axis=1)
        return total / ops.maximum(ops.sum(weights, axis=1), 1.0)


@keras.saving.register_keras_serializable(package="semmatch")
class LastTokenPooling(keras.layers.Layer):
    """Takes the vector of the last real token.

    Source: Neelakantan et al. 2022, "Text and code embeddings by contrastive
    pre-training".

    Call arguments:
        tokens: float `(batch, length, dim)`.
        padding_mask: int32 `(batch, length)`, 1 for a real token; padding
            stands at the end.

    Returns:
        float `(batch, dim)`; all padding gives the first vector.

    >>> import numpy as np
    >>> tokens = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]])
    >>> np.asarray(LastTokenPooling()(tokens, np.array([[1, 1, 0]]))).tolist()
    [[3.0, 4.0]]
    """

    def call(self, tokens, padding_mask):
        count = ops.sum(ops.cast(padding_mask, "int32"), axis=1)
        last = ops.maximum(count - 1, 0)
        places = ops.reshape(last, (-1, 1, 1))
        return ops.squeeze(ops.take_along_axis(tokens, places, axis=1), 1)


@keras.saving.register_keras_serializable(package="semmatch")
class AttentionPooling(keras.layers.Layer):
    """Averages the vectors of the real tokens with weights that it learns.

    A token's weight is the softmax of its product with one trained vector,
    which starts with zeros: an untrained layer gives the mean.

    Source: Yang et al. 2016, "Hierarchical attention networks for document
    classification", without the dense layer before the product.

    Call arguments:
        tokens: float `(batch, length, dim)`.
        padding_mask: int32 `(batch, length)`, 1 for a real token; a row of
            padding alone gives the mean over all tokens.

    Returns:
        float32 `(batch, dim)`.

    >>> import numpy as np
    >>> tokens = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]])
    >>> np.asarray(AttentionPooling()(tokens, np.array([[1, 1, 0]]))).tolist()
    [[2.0, 3.0]]
    """

    def build(self, tokens_shape, padding_mask_shape=None):
        self.query = self.add_weight(
            (tokens_shape[-1],), "zeros", dtype="float32", name="query"
        )

    def call(self, tokens, padding_mask):
        tokens = ops.cast(tokens, "float32")
        logits = ops.sum(tokens * ops.cast(self.query, "float32"), axis=-1)
        # Finite, so that a row of padding alone has no NaN.
        logits = ops.where(padding_mask > 0, logits, -1e9)
        weights = ops.expand_dims(ops.softmax(logits, axis=-1), -1)
        return ops.sum(tokens * weights, axis=1)


POOLINGS = {
    "cls": ClsPooling,
    "mean": MeanPooling,
    "max": MaxPooling,
    "mean_sqrt": MeanSqrtPooling,
    "weighted_mean": WeightedMeanPooling,
    "last": LastTokenPooling,
    "attention": AttentionPooling,
}
