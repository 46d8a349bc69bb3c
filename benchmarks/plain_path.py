"""The training step from Keras's own parts, to compare ours with.

Same model, other arithmetic: layers one after the other, `keras.random`'s
dropout, `keras.optimizers.AdamW`.
"""

import functools

import keras

from semmatch.layers import Dropout
from semmatch.layers import TransformerBlock
from semmatch.training import AdamW


def use_keras_operations():
    """Blocks of this process train as Keras's layers would."""
    TransformerBlock._call_fused = functools.partialmethod(
        TransformerBlock._call_plain, training=True
    )
    Dropout.call = _keras_dropout


def keras_adamw(learning_rate):
    """Keras's optimizer with the settings of ours."""
    ours = AdamW(learning_rate)
    optimizer = keras.optimizers.AdamW(
        learning_rate,
        weight_decay=ours.weight_decay,
        epsilon=ours.epsilon,
        global_clipnorm=ours.global_clipnorm,
    )
    optimizer.exclude_from_weight_decay(
        var_names=["bias", "beta", "gamma", "embeddings"]
    )
    return optimizer


def _keras_dropout(self, inputs, training=False):
    if not training or self.rate == 0:
        return inputs
    return keras.random.dropout(inputs, self.rate, seed=self.seed_generator)
