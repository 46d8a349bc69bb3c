"""The Transformer block of BERT, with its parts in reach."""

import keras
from keras import ops

from semmatch._checks import check_one_of
from semmatch.layers.block_parts import ACTIVATIONS
from semmatch.layers.block_parts import add_and_activate
from semmatch.layers.block_parts import add_and_norm
from semmatch.layers.block_parts import attention_weights
from semmatch.layers.block_parts import padding_bias
from semmatch.layers.dropout import Dropout
from semmatch.layers.recompute import recompute
from semmatch.layers.recording import record_block
from semmatch.layers.replacing import block_form


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
        kernel_initializer: as of `keras.layers.Dense`.

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
        kernel_initializer="glorot_uniform",
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
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.activation_checkpointing = False
        self._scale = (hidden_dim // num_heads) ** -0.5

        def dense(units, name):
            return keras.layers.Dense(
                units,
                kernel_initializer=self.kernel_initializer,
                dtype=self.dtype_policy,
                name=name,
            )

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
        form = block_form()
        if form is not None:
            outputs = form(self, tokens, padding_mask)
        elif not training:
            outputs = self._call_plain(tokens, padding_mask, training)
        elif self.activation_checkpointing:
            outputs = recompute(self, self._call_training, tokens, padding_mask)
        else:
            outputs = self._call_training(tokens, padding_mask)
        record_block(self, tokens, outputs)
        return outputs

    def attention_scores(self, tokens):
        """How each token attends to each one, before padding is left out.

        Args:
            tokens: float `(batch, length, hidden_dim)`, what `call` gets.

        Returns:
            float `(batch, heads, length, length)`: queries times keys, over
            the root of a head's width; attention is the softmax of it.
        """
        query = self._heads(self.query(tokens) * self._scale)
        key = self._heads(self.key(tokens), (0, 2, 3, 1))
        return ops.matmul(query, key)

    def _call_training(self, tokens, padding_mask):
        # Quantised layers have no kernel to multiply by.
        if self.query.quantization_mode is None:
            return self._call_fused(tokens, padding_mask)
        return self._call_plain(tokens, padding_mask, True)

    def _call_plain(self, tokens, padding_mask, training):
        """Keras's layers one after the other; it can be exported."""
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
        scores = self.attention_scores(tokens)
        value = self._heads(self.value(tokens))
        bias = padding_bias(padding_mask, scores.dtype)
        scores = scores + bias[:, None, None, :]
        weights = self.attention_weights_dropout(
            ops.softmax(scores, axis=-1), training=training
        )
        return self._joined(ops.matmul(weights, value))

    def _call_fused(self, tokens, padding_mask):
        """As `call`, with all between two matrix products in one pass."""
        query = self._heads(self.query(tokens))
        key = self._heads(self.key(tokens))
        value = self._heads(self.value(tokens))
        weights = attention_weights(
            ops.einsum("bhqd,bhkd->bhqk", query, key),
            padding_mask,
            self.attention_weights_dropout.seed_generator.next(),
            scale=self._scale,
            rate=self.attention_weights_dropout.rate,
        )
        mixed = self._joined(ops.matmul(weights, value))
        tokens = self._add_and_norm(
            tokens,
            mixed,
            self.attention_output,
            self.attention_output_dropout,
            self.attention_norm,
        )
        inner = add_and_activate(
            self._product(tokens, self.intermediate),
            ops.convert_to_tensor(self.intermediate.bias),
            activation=self.activation,
        )
        return self._add_and_norm(
            tokens,
            inner,
            self.feed_forward_output,
            self.feed_forward_dropout,
            self.output_norm,
        )

    def _add_and_norm(self, tokens, inner, dense, dropout, norm):
        return add_and_norm(
            tokens,
            self._product(inner, dense),
            dropout.seed_generator.next(),
            ops.convert_to_tensor(dense.bias),
            ops.convert_to_tensor(norm.gamma),
            ops.convert_to_tensor(norm.beta),
            rate=dropout.rate,
            epsilon=self.layer_norm_epsilon,
        )

    def _product(self, inputs, dense):
        # `kernel` and not its variable: it holds what LoRA adds.
        kernel = ops.cast(dense.kernel, self.compute_dtype)
        return ops.matmul(inputs, kernel)

    def _heads(self, projected, axes=(0, 2, 1, 3)):
        """`(batch, heads, length, head_dim)`, or in another order."""
        length = ops.shape(projected)[1]
        split = (-1, length, self.num_heads, self.hidden_dim // self.num_heads)
        return ops.transpose(ops.reshape(projected, split), axes)

    def _joined(self, heads):
        length = ops.shape(heads)[2]
        heads = ops.transpose(heads, (0, 2, 1, 3))
        return ops.reshape(heads, (-1, length, self.hidden_dim))

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
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }
