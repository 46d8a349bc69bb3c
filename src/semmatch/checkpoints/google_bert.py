"""Folders of Google's BERT: `bert_config*.json` and a TensorFlow checkpoint.

The downloads of Chinese-BERT-wwm (RoBERTa-wwm-ext, RBT3, RBT4, RBT6, RBTL3) and
MacBERT are such.

Source: google-research/bert, modeling.py, and run_classifier.py for the head.
"""

from semmatch.checkpoints import google
from semmatch.checkpoints.encoder_config import ConfigKeys
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

NAME = "Google BERT (TensorFlow)"
CONFIG_FILES = ("bert_config*.json",)

_FAMILY = Family(
    # Its `gelu` is the approximation by tanh.
    config=ConfigKeys({"gelu": "gelu_tanh", "relu": "relu"}),
    layout=google.BERT_LAYOUT,
    prefixes=("bert/",),
    poolers=(Pooler("{}pooler/dense", "tanh", classifier=google.CLASSIFIER),),
    unused={**google.UNUSED, r"cls/.*": "head of the pretraining"},
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
