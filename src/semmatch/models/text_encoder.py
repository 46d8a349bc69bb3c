"""The encoder that every model of the library stands on."""

import keras
import keras_hub

from semmatch._checks import check_one_of
from semmatch._checks import check_positive_int
from semmatch.layers import Dropout
from semmatch.layers import TransformerBlock
from semmatch.layers.block_parts import ACTIVATIONS
from semmatch.training.precision import warn_if_emulated

# The exact GELU is not Keras's own, see `ACTIVATIONS`.
_POOLER_ACTIVATIONS = {
    "tanh": "tanh",
    "relu": "relu",
    "gelu": ACTIVATIONS["gelu"],
}


@keras.saving.register_keras_serializable(package="semmatch")
class TextEncoder(keras_hub.models.Backbone):
    """A BERT encoder: token ids in, a vector for each token out.

    It covers what checkpoints of BERT, RoBERTa, DistilBERT, ALBERT and ELECTRA
    differ in (form of the GELU, epsilon, number of segments, width of the
    embeddings, shared blocks, pooler), so that a checkpoint gives the outputs
    that it gives in the library it was trained with.

    Source: Devlin et al. 2018, BERT; Lan et al. 2019, ALBERT (narrow
    embeddings, shared blocks).

    Args:
        vocabulary_size: int.
        num_layers: int, the number of Transformer blocks.
        num_heads: int, must divide `hidden_dim`.
        hidden_dim: int, the width of a token's vector.
        intermediate_dim: int, the width inside the feed-forward layers.
        dropout: float, on the embeddings and after each part of a block.
        attention_dropout: float, on the attention weights.
        max_sequence_length: int, the longest input in tokens.
        num_segments: int; 0 for an encoder without segment embeddings.
        activation: `"gelu"` (exact), `"gelu_tanh"` or `"relu"`.
        layer_norm_epsilon: float.
        pooler: bool, whether there is BERT's dense layer on the first token.
        pooler_activation: `"tanh"` (BERT's), `"relu"` (DistilBERT's) or
            `"gelu"` (ELECTRA's, exact).
        embedding_dim: int, the width of the embeddings and of their norm,
            which a dense layer then brings to `hidden_dim`; None for
            `hidden_dim` without that layer.
        shared_layers: bool, whether one block, `block_0`, is applied
            `num_layers` times.
        initializer: as of Keras, of tables and kernels; None for kernels as
            Keras has them and narrower normal distributions for tables.
        dtype: string or policy of the computation; weights stay float32
            under a mixed policy.
        name: string or None.
        trainable: bool.

    Call arguments:
        A dict of int32 `(batch, length)`: `token_ids`, `padding_mask` (1 for
        a real token) and, unless `num_segments` is 0, `segment_ids`.

    Returns:
        A dict of `sequence_output` `(batch, length, hidden_dim)` and, with a
        pooler, `pooled_output` `(batch, hidden_dim)`.

    >>> import numpy as np
    >>> encoder = TextEncoder(100, 2, 2, 8, 16, num_segments=0, pooler=False)
    >>> ids = np.ones((1, 5), "int32")
    >>> outputs = encoder({"token_ids": ids, "padding_mask": ids})
    >>> outputs["sequence_output"].shape
    TensorShape([1, 5, 8])
    """

    def __init__(
        self,
        vocabulary_size,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        *,
        dropout=0.1,
        attention_dropout=0.1,
        max_sequence_length=512,
        num_segments=2,
        activation="gelu",
        layer_norm_epsilon=1e-12,
        pooler=True,
        pooler_activation="tanh",
        embedding_dim=None,
        shared_layers=False,
        initializer=None,
        dtype=None,
        name=None,
        trainable=True,
    ):
        check_one_of(
            pooler_activation, _POOLER_ACTIVATIONS, "pooler_activation"
        )
        if embedding_dim is not None:
            check_positive_int(embedding_dim, "embedding_dim")
        embedding_width = embedding_dim or hidden_dim
        warn_if_emulated(keras.dtype_policies.get(dtype))
        # Where a token is starts out smaller than which token it is, and
        # kernels start as Keras has them: with BERT's 0.02 for everything a
        # narrow encoder does not learn from scratch.
        normal = keras.initializers.TruncatedNormal
        initializer = keras.initializers.get(initializer)

        def embedding(size, name, stddev=0.02):
            return keras.layers.Embedding(
                size,
                embedding_width,
                embeddings_initializer=initializer or normal(stddev=stddev),
                dtype=dtype,
                name=name,
            )

        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        padding_mask = keras.Input((None,), dtype="int32", name="padding_mask")
        inputs = {"token_ids": token_ids, "padding_mask": padding_mask}
        tokens = embedding(
            vocabulary_size, "token_embedding", stddev=embedding_width**-0.5
        )(token_ids)
        tokens = tokens + keras_hub.layers.PositionEmbedding(
            max_sequence_length,
            initializer=initializer or normal(stddev=0.02),
            dtype=dtype,
            name="position_embedding",
        )(tokens)
        if num_segments:
            segment_ids = keras.Input(
                (None,), dtype="int32", name="segment_ids"
            )
            inputs["segment_ids"] = segment_ids
            segments = embedding(num_segments, "segment_embedding")
            tokens = tokens + segments(segment_ids)
        tokens = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, dtype=dtype, name="embedding_norm"
        )(tokens)
        tokens = Dropout(dropout, dtype=dtype, name="embedding_dropout")(tokens)
        if embedding_dim is not None:
            tokens = keras.layers.Dense(
                hidden_dim,
                kernel_initializer=initializer or "glorot_uniform",
                dtype=dtype,
                name="embedding_projection",
            )(tokens)
        blocks = [
            TransformerBlock(
                hidden_dim,
                num_heads,
                intermediate_dim,
                activation=activation,
                dropout=dropout,
                attention_dropout=attention_dropout,
                layer_norm_epsilon=layer_norm_epsilon,
                kernel_initializer=initializer or "glorot_uniform",
                dtype=dtype,
                name=f"block_{index}",
            )
            for index in range(1 if shared_layers else num_layers)
        ]
        for index in range(num_layers):
            block = blocks[0 if shared_layers else index]
            tokens = block(tokens, padding_mask)
        outputs = {"sequence_output": tokens}
        if pooler:
            outputs["pooled_output"] = keras.layers.Dense(
                hidden_dim,
                activation=_POOLER_ACTIVATIONS[pooler_activation],
                kernel_initializer=initializer or "glorot_uniform",
                dtype=dtype,
                name="pooler",
            )(tokens[:, 0, :])
        # By name, since Keras takes arguments that it does not know in silence.
        super().__init__(
            inputs=inputs,
            outputs=outputs,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.max_sequence_length = max_sequence_length
        self.num_segments = num_segments
        self.activation = activation
        self.layer_norm_epsilon = layer_norm_epsilon
        self.pooler = pooler
        self.pooler_activation = pooler_activation
        self.embedding_dim = embedding_dim
        self.shared_layers = shared_layers
        self.initializer = initializer

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "max_sequence_length": self.max_sequence_length,
            "num_segments": self.num_segments,
            "activation": self.activation,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "pooler": self.pooler,
            "pooler_activation": self.pooler_activation,
            "embedding_dim": self.embedding_dim,
            "shared_layers": self.shared_layers,
            "initializer": keras.initializers.serialize(self.initializer)
            if self.initializer
            else None,
        }


def set_activation_checkpointing(encoder, value):
    """Whether blocks keep their inputs alone while they train.

    Args:
        encoder: a `TextEncoder`; with `value` False any Keras model.
        value: bool.

    >>> encoder = TextEncoder(100, 2, 2, 8, 16)
    >>> set_activation_checkpointing(encoder, True)
    >>> encoder.get_layer("block_0").activation_checkpointing
    True
    """
    if value and not isinstance(encoder, TextEncoder):
        raise ValueError(
            "`activation_checkpointing` is of the blocks of `TextEncoder`. "
            f"Received: a backbone of class `{type(encoder).__name__}`. "
            "Leave it out."
        )
    for layer in encoder.layers:
        if isinstance(layer, TransformerBlock):
            layer.activation_checkpointing = value
