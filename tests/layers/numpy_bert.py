"""BERT in plain numpy, float64, as Devlin et al. 2018 describe it."""

import math

import numpy as np

from tests.checks import to_numpy


def bert_block(weights, tokens, mask, num_heads, activation, epsilon):
    """A block of BERT in plain numpy (Devlin et al. 2018).

    Args:
        weights: function from a layer's and a parameter's name to an array.
        tokens: float `(batch, length, dim)`.
        mask: `(batch, length)`, 1 for a real token.
    """

    def dense(name, inputs):
        return inputs @ weights(name, "kernel") + weights(name, "bias")

    def split(inputs):
        rows, length, dim = inputs.shape
        parts = inputs.reshape(rows, length, num_heads, dim // num_heads)
        return parts.swapaxes(1, 2)

    query, key, value = (
        split(dense(name, tokens)) for name in ("query", "key", "value")
    )
    scores = query @ key.swapaxes(2, 3) / math.sqrt(query.shape[-1])
    scores = np.where(mask[:, None, None, :] == 1, scores, -np.inf)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = powers / powers.sum(axis=-1, keepdims=True) @ value
    attended = dense(
        "attention_output", mixed.swapaxes(1, 2).reshape(tokens.shape)
    )
    tokens = layer_norm(
        tokens + attended,
        weights("attention_norm", "gamma"),
        weights("attention_norm", "beta"),
        epsilon,
    )
    inner = ACTIVATIONS[activation](dense("intermediate", tokens))
    return layer_norm(
        tokens + dense("output", inner),
        weights("output_norm", "gamma"),
        weights("output_norm", "beta"),
        epsilon,
    )


def layer_norm(inputs, gamma, beta, epsilon):
    centred = inputs - inputs.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon) * gamma + beta


ACTIVATIONS = {
    "gelu": lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / 2**0.5)),
    "gelu_tanh": lambda x: (
        0.5 * x * (1 + np.tanh((2 / math.pi) ** 0.5 * (x + 0.044715 * x**3)))
    ),
    "relu": lambda x: np.maximum(x, 0),
}


def named_weights(layer, prefix=""):
    """A function from names to float64 arrays, for `bert_block`."""
    arrays = {v.path: to_numpy(v).astype("float64") for v in layer.weights}
    return lambda *names: arrays["/".join([prefix, *names]).lstrip("/")]
