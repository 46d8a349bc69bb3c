"""What several test files need: tiny models and common checks."""

import json
import subprocess
import sys

import keras
import keras_hub
import numpy as np
import pytest

from semmatch.data import Pairs
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
        "num_layers": 1,
        "num_heads": 2,
        "hidden_dim": 8,
        "intermediate_dim": 12,
        "max_sequence_length": 16,
    }
    encoder = TextEncoder(**{**sizes, **kwargs})
    randomise(encoder)
    return encoder


def tiny_backbone(kind="BertBackbone"):
    """One of KerasHub's own, of the same size and one layer."""
    backbone = getattr(keras_hub.models, kind)(
        vocabulary_size=64,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=12,
        max_sequence_length=16,
    )
    randomise(backbone)
    return backbone


def tiny_fnet():
    """A backbone of KerasHub that reads no padding, and ONNX cannot write."""
    return keras_hub.models.FNetBackbone(
        vocabulary_size=64,
        num_layers=1,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=16,
    )


def tiny_model(encoder=None, preprocessor=None, **kwargs):
    model = CrossEncoder(
        encoder or tiny_encoder(),
        preprocessor or tiny_preprocessor(),
        **kwargs,
    )
    randomise(model.get_layer("head"), seed=1)
    return model


def small_model(**kwargs):
    """One layer, nothing random in training, scores well apart."""
    options = {
        "encoder": tiny_encoder(
            num_layers=1, dropout=0.0, attention_dropout=0.0
        ),
        "dropout": 0.0,
        "pooling": "max",
    }
    return tiny_model(**{**options, **kwargs})


def toy_pairs(size=32, num_classes=2, seed=0):
    """Pairs whose class stands in the second text, all packed into 8 tokens."""
    generator = np.random.default_rng(seed)
    label = np.resize(np.arange(num_classes), size)
    words = np.array(["取消", "还款", "借款"])
    return Pairs(words[generator.integers(0, 3, size)], words[label], label)


def randomise(layer, seed=0):
    """Gives all weights values of about 1, so that each is felt."""
    generator = np.random.default_rng(seed)
    for variable in layer.weights:
        if "seed" not in variable.path:
            values = generator.normal(scale=0.5, size=variable.shape)
            variable.assign(values + variable.path.endswith("gamma"))


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
