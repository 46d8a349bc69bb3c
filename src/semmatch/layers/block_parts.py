"""What a Transformer block does between its matrix products."""

import keras
from keras import ops

from semmatch.layers.dropout import dropout
from semmatch.layers.fused import fused


def _wide(inner):
    # TensorFlow's erf and tanh of bfloat16 take twice the time of float32.
    narrow = inner.dtype in ("bfloat16", "float16")
    return ops.cast(inner, "float32") if narrow else inner


def _gelu(inner):
    # Not `ops.gelu`: TensorFlow's is made of erfc, which is slower than erf
    # and has no form in ONNX.
    wide = _wide(inner)
    wide = 0.5 * wide * (1.0 + ops.erf(wide * 2**-0.5))
    return ops.cast(wide, inner.dtype)


def _gelu_tanh(inner):
    wide = ops.gelu(_wide(inner), approximate=True)
    return ops.cast(wide, inner.dtype)


# The erf form is Hugging Face's "gelu", the tanh form Google's.
ACTIVATIONS = {"gelu": _gelu, "gelu_tanh": _gelu_tanh, "relu": ops.relu}

# Large enough that softmax gives a padded token exactly 0, small enough for
# float32 and bfloat16. float16 ends at 65,504.
MASKED = -1e9
_MASKED_HALF = -6e4


def padding_bias(padding_mask, dtype):
    """What is added to scores: 0 for a real token, very little for others.

    Args:
        padding_mask: int32 `(batch, length)`, 1 for a real token.
        dtype: of the scores.

    Returns:
        `(batch, length)` of that type.

    >>> padding_bias(ops.ones((1, 1), "int32"), "float16").shape
    TensorShape([1, 1])
    """
    half = keras.backend.standardize_dtype(dtype) == "float16"
    masked = _MASKED_HALF if half else MASKED
    return (1 - ops.cast(padding_mask, dtype)) * masked


@fused()
def attention_weights(scores, padding_mask, seed, *, scale, rate):
    """Softmax over the real tokens, with dropout.

    Args:
        scores: float `(batch, heads, length, length)`, queries by keys.
        padding_mask: int32 `(batch, length)`, 1 for a real token.
        seed: integer `(2,)`.
        scale: float, multiplies the scores.
        rate: float, of the dropout.

    Returns:
        A tensor like `scores`.

    >>> import numpy as np
    >>> scores, mask = np.zeros((1, 1, 2, 2)), np.array([[1, 0]])
    >>> seed = np.array([0, 0])
    >>> weights = attention_weights(scores, mask, seed, scale=1.0, rate=0.0)
    >>> np.asarray(weights[0, 0, 0]).tolist()
    [1.0, 0.0]
    """
    bias = (1 - ops.cast(padding_mask, "float32")) * MASKED
    wide = ops.cast(scores, "float32") * scale + bias[:, None, None, :]
    weights = dropout(ops.softmax(wide), seed, rate=rate)
    return ops.cast(weights, scores.dtype)


@fused(num_vectors=3)
def add_and_norm(tokens, update, seed, bias, gamma, beta, *, rate, epsilon):
    """`LayerNormalization(tokens + Dropout(update + bias))`, in float32.

    Args:
        tokens: float `(batch, length, dim)`.
        update: float `(batch, length, dim)`.
        seed: integer `(2,)`.
        bias: float `(dim,)`, of the update.
        gamma: float `(dim,)`, of the normalisation.
        beta: float `(dim,)`, of the normalisation.
        rate: float, of the dropout.
        epsilon: float, of the normalisation.

    Returns:
        A tensor like `tokens`.

    >>> import numpy as np
    >>> tokens, zeros = np.array([[[-1.0, 1.0]]]), np.zeros(2)
    >>> add_and_norm(
    ...     tokens, tokens, np.array([0, 0]), zeros, zeros + 1, zeros,
    ...     rate=0.0, epsilon=0.0,
    ... )[0, 0].numpy().round(4).tolist()
    [-1.0, 1.0]
    """
    update = ops.cast(update, "float32") + ops.cast(bias, "float32")
    total = ops.cast(tokens, "float32") + dropout(update, seed, rate=rate)
    normal = ops.layer_normalization(total, epsilon=epsilon)
    scaled = normal * ops.cast(gamma, "float32") + ops.cast(beta, "float32")
    return ops.cast(scaled, tokens.dtype)


@fused(num_vectors=1)
def add_and_activate(inner, bias, *, activation):
    """The activation of `inner + bias`, in float32.

    Args:
        inner: float `(batch, length, dim)`.
        bias: float `(dim,)`.
        activation: a key of `ACTIVATIONS`.

    Returns:
        A tensor like `inner`.

    >>> import numpy as np
    >>> inner = np.array([[[1.0, -1.0]]])
    >>> add_and_activate(inner, np.zeros(2), activation="relu").numpy().tolist()
    [[[1.0, 0.0]]]
    """
    wide = ops.cast(inner, "float32") + ops.cast(bias, "float32")
    return ops.cast(ACTIVATIONS[activation](wide), inner.dtype)
