"""Folders of Google's ELECTRA: a configuration and a TensorFlow checkpoint.

The downloads of Chinese-ELECTRA are such; their configurations lie in the
folder `config` of that repository, not in the archives.

Source: google-research/electra, model/modeling.py and run_pretraining.py.
"""

import dataclasses

from semmatch.checkpoints import google
from semmatch.checkpoints.encoder_config import ELECTRA_CONFIG
from semmatch.checkpoints.family import Family

NAME = "Google ELECTRA (TensorFlow)"
CONFIG_FILES = ("electra_config*.json", "*discriminator*.json")

_FAMILY = Family(
    config=dataclasses.replace(
        # Other than BERT's and ALBERT's, its `gelu` is the exact one.
        ELECTRA_CONFIG,
        activations={"gelu": "gelu", "relu": "relu"},
    ),
    layout=dataclasses.replace(
        google.BERT_LAYOUT, projection="embeddings_project"
    ),
    prefixes=("electra/",),
    poolers=(),
    unused={
        **google.UNUSED,
        r"generator/.*": "the generator of the pretraining",
        r"(generator|discriminator)_predictions/.*": "head of the pretraining",
        # Of run_finetuning.py, on the first token without a dense layer.
        r"task_specific/.*": "head of another task",
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
