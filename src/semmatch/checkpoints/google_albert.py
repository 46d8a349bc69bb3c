"""Google's ALBERT: `albert_config*.json` beside a TensorFlow checkpoint.

Source: google-research/albert, modeling.py, and classifier_utils.py for the
head.
"""

import dataclasses

from semmatch.checkpoints import google
from semmatch.checkpoints.encoder_config import ALBERT_CONFIG
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

NAME = "Google ALBERT (TensorFlow)"
CONFIG_FILES = ("albert_config*.json",)

_FAMILY = Family(
    config=dataclasses.replace(
        # Its `gelu` is the approximation by tanh.
        ALBERT_CONFIG,
        activations={"gelu": "gelu_tanh", "relu": "relu"},
    ),
    layout=dataclasses.replace(
        google.BERT_LAYOUT,
        block="encoder/transformer/group_0/inner_group_0/",
        block_layers={
            "query": "attention_1/self/query",
            "key": "attention_1/self/key",
            "value": "attention_1/self/value",
            "attention_output": "attention_1/output/dense",
            "attention_norm": "LayerNorm",
            "intermediate": "ffn_1/intermediate/dense",
            "output": "ffn_1/intermediate/output/dense",
            "output_norm": "LayerNorm_1",
        },
        projection="encoder/embedding_hidden_mapping_in",
    ),
    # The first is that of modules of TensorFlow Hub.
    prefixes=("module/bert/", "bert/"),
    poolers=(Pooler("{}pooler/dense", "tanh", classifier=google.CLASSIFIER),),
    unused={
        **google.UNUSED,
        r"(module/)?cls/.*": "head of the pretraining",
    },
)


def matches(folder):
    """Whether a folder is of this format."""
    return bool(google.config_files(folder, CONFIG_FILES))


def sequence_length(folder):
    """The number of positions."""
    return google.sequence_length(folder, CONFIG_FILES)


def read(folder, num_layers=None):
    """Reads a folder of this format.

    Args:
        folder: `pathlib.Path`.
        num_layers: int or None, keeps the first layers alone.

    Returns:
        `Checkpoint`.
    """
    return google.read(_FAMILY, folder, CONFIG_FILES, num_layers)
