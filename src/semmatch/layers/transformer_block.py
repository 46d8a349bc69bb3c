"""The Transformer block of BERT, with its parts in reach."""

import keras
from keras import ops

from semmatch._checks import check_one_of
from semmatch.layers.dropout import Dropout


# In float32, since TensorFlow's erf and tanh of bfloat16 take twice the time.
def _gelu(inner):
    # Not `ops.gelu`: TensorFlow's is made of erfc, which is slower than erf
    # and has no form in ONNX.
    wide = ops.cast(inner, "float32")
    wide = 0.5 * wide * (1.0 + ops.erf(wide * 2**-0.5))
    return ops.cast(wide, inner.dtype)


def _gelu_tanh(inner):
    wide = ops.gelu(ops.cast(inner, "float32"), approximate=True)
    return ops.cast(wide, inner.dtype)


# The erf form is Hugging Face's "gelu", the tanh form Google's.
ACTIVATIONS = {"gelu": _gelu, "gelu_tanh": _gelu_tanh, "relu": ops.relu}

# Large enough that softmax gives a padded token exactly 0 in float32, small
# enough for every float type we train in.
_MASKED = -1e9


@keras.saving.register_keras_serializable(package="semmatch")
class TransformerBlock(keras.layers.Layer):
    """Self-attention and a feed-forward layer, each added and normalised.

    Source: Devlin et al. 2018, BERT (normalisation after the addition).

    Args:
        hidden_dim: int, the width of a token's vector.
        num_heads: int, must divide `hidden_dim`.
        intermediate_dim: int, the width between the two feed-forward layers.
        activation: `"gelu"` (exact, erf), `"gelu_tanh"` or `"relu"`.
        dropout: float, after each of the two parts.
        attention_dropout: float, on the attention weights.
        layer_norm_epsilon: float.

    Call arguments:
        tokens: float `(batch, length, hidden_dim)`.
        padding_mask: int32 `(batch, length)`, 1 for a real token.

    Returns:
        float `(batch, length, hidden_dim)`.

    >>> import numpy as np
    >>> block = TransformerBlock(8, 2, 16)
    >>> block(np.ones((1, 3, 8)), np.array([[1, 1, 0]])).shape
    TensorShape([1, 3, 8])
    """

    def __init__(
        self,
        hidden_dim,
        num_heads,
        intermediate_dim,
        *,
        activation="gelu",
        dropout=0.1,
        attention_dropout=0.1,
        layer_norm_epsilon=1e-12,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if hidden_dim % num_heads:
            raise ValueError(
                "`num_heads` must divide `hidden_dim`. Received: "
                f"hidden_dim={hidden_dim}, num_heads={num_heads}."
            )
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.activation = check_one_of(activation, ACTIVATIONS, "activation")
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.layer_norm_epsilon = layer_norm_epsilon

        def dense(units, name):
            return keras.layers.Dense(units, dtype=self.dtype_policy, name=name)

        def norm(name):
            return keras.layers.LayerNormalization(
                epsilon=layer_norm_epsilon, dtype=self.dtype_policy, name=name
            )

        self.query = dense(hidden_dim, "query")
        self.key = dense(hidden_dim, "key")
        self.value = dense(hidden_dim, "value")
        self.attention_weights_dropout = Dropout(
            attention_dropout, dtype=self.dtype_policy
        )
        self.attention_output = dense(hidden_dim, "attention_output")
        self.attention_output_dropout = Dropout(
            dropout, dtype=self.dtype_policy
        )
        self.attention_norm = norm("attention_norm")
        self.intermediate = dense(intermediate_dim, "intermediate")
        self.feed_forward_output = dense(hidden_dim, "output")
        self.feed_forward_dropout = Dropout(dropout, dtype=self.dtype_policy)
        self.output_norm = norm("output_norm")

    def build(self, input_shape):
        narrow = (None, None, self.hidden_dim)
        for layer in (
            self.query,
            self.key,
            self.value,
            self.attention_output,
            self.attention_norm,
            self.intermediate,
            self.output_norm,
        ):
            layer.build(narrow)
        self.feed_forward_output.build((None, None, self.intermediate_dim))
        self.built = True

    def call(self, tokens, padding_mask, training=None):
        attended = self.attention_output(
            self._attend(tokens, padding_mask, training)
        )
        attended = self.attention_output_dropout(attended, training=training)
        tokens = self.attention_norm(tokens + attended)
        inner = ACTIVATIONS[self.activation](self.intermediate(tokens))
        inner = self.feed_forward_output(inner)
        inner = self.feed_forward_dropout(inner, training=training)
        return self.output_norm(tokens + inner)

    def _attend(self, tokens, padding_mask, training):
        """Each token's mixture of values, `(batch, length, hidden_dim)`."""
        length = ops.shape(tokens)[1]
        head_dim = self.hidden_dim // self.num_heads

        def heads(projected, axes):
            split = (-1, length, self.num_heads, head_dim)
            return ops.transpose(ops.reshape(projected, split), axes)

        query = heads(self.query(tokens) * head_dim**-0.5, (0, 2, 1, 3))
        key = heads(self.key(tokens), (0, 2, 3, 1))
        value = heads(self.value(tokens), (0, 2, 1, 3))
        scores = ops.matmul(query, key)  # (batch, heads, length, length)
        bias = (1 - ops.cast(padding_mask, scores.dtype)) * _MASKED
        scores = scores + bias[:, None, None, :]
        weights = self.attention_weights_dropout(
            ops.softmax(scores, axis=-1), training=training
        )
        mixed = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        return ops.reshape(mixed, (-1, length, self.hidden_dim))

    def compute_output_shape(self, tokens_shape, padding_mask_shape=None):
        return tokens_shape

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "activation": self.activation,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
        }
