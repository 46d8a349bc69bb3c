"""What several test files need: tiny models, references, common checks."""

import json
import math
import subprocess
import sys

import keras
import numpy as np
import pytest

from semmatch.models import CrossEncoder
from semmatch.models import CrossEncoderPreprocessor
from semmatch.models import TextEncoder

TEXTS = ("怎么取消借款", "如何还款", "借款还款", "取消", "Hello world")

tensorflow_only = pytest.mark.skipif(
    keras.config.backend() != "tensorflow",
    reason="needs the TensorFlow backend",
)


def tiny_preprocessor(**kwargs):
    kwargs = {"sequence_length": 16, **kwargs}
    return CrossEncoderPreprocessor.from_texts(TEXTS, **kwargs)


def tiny_encoder(**kwargs):
    """A `TextEncoder` whose initial weights are large enough to matter."""
    sizes = {
        "vocabulary_size": 64,
        "num_layers": 2,
        "num_heads": 2,
        "hidden_dim": 8,
        "intermediate_dim": 12,
        "max_sequence_length": 16,
    }
    encoder = TextEncoder(**{**sizes, **kwargs})
    randomise(encoder)
    return encoder


def tiny_model(encoder=None, preprocessor=None, **kwargs):
    model = CrossEncoder(
        encoder or tiny_encoder(),
        preprocessor or tiny_preprocessor(),
        **kwargs,
    )
    randomise(model.get_layer("head"), seed=1)
    return model


def randomise(layer, seed=0):
    """Gives all weights values of about 0.5, so that each is felt."""
    generator = np.random.default_rng(seed)
    for variable in layer.weights:
        if "seed" not in variable.path:
            variable.assign(generator.normal(scale=0.5, size=variable.shape))


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def json_round_trip(thing):
    """`thing` from its configuration, which went through JSON."""
    config = keras.saving.serialize_keras_object(thing)
    return keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))


def assert_padding_changes_nothing(layer, tokens):
    """A pooling's or block's outputs at real tokens ignore the padding.

    Args:
        layer: function of `(tokens, padding_mask)`.
        tokens: float32 `(batch, length, dim)`, all real.
    """
    rows, length, _ = tokens.shape
    real = np.ones((rows, length), "int32")
    expected = to_numpy(layer(tokens, real))
    for fill in (0.0, 100.0):
        padded = np.pad(
            tokens, [(0, 0), (0, 5), (0, 0)], constant_values=fill
        ).astype(tokens.dtype)
        mask = np.pad(real, [(0, 0), (0, 5)])
        outputs = to_numpy(layer(padded, mask))
        if outputs.ndim == 3:
            outputs = outputs[:, :length]
        np.testing.assert_allclose(outputs, expected, atol=1e-5)


def run_python(code, *arguments):
    """The output of `code` in a fresh Python process."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


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
