"""Hugging Face folders of `model_type` "electra".

Source: transformers' `ElectraModel` and `ElectraForSequenceClassification`.
"""

import dataclasses

from semmatch.checkpoints import huggingface
from semmatch.checkpoints.encoder_config import ELECTRA_CONFIG
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

NAME = "Hugging Face ELECTRA"
MODEL_TYPES = ("electra",)

FAMILY = Family(
    config=dataclasses.replace(
        ELECTRA_CONFIG, activations=huggingface.ACTIVATIONS
    ),
    layout=dataclasses.replace(
        huggingface.BERT_LAYOUT, projection="embeddings_project"
    ),
    prefixes=("electra.", ""),
    # The exact GELU, whatever the blocks have.
    poolers=(
        Pooler("classifier.dense", "gelu", classifier=huggingface.OUT_PROJ),
    ),
    unused={
        **huggingface.UNUSED,
        r"(discriminator|generator)_predictions\..*": (
            "head of the pretraining"
        ),
        r"generator_lm_head\..*": "head of the pretraining",
        r"sequence_summary\..*": "head of another task",
    },
)


def matches(folder):
    """Whether a folder is of this format."""
    return huggingface.has_model_type(folder, MODEL_TYPES)


def sequence_length(folder):
    """The tokenizer's limit where it has one, else that of the positions."""
    return huggingface.sequence_length(folder)


def read(folder, num_layers=None):
    """Reads a folder of this format.

    Args:
        folder: `pathlib.Path`.
        num_layers: int or None, keeps the first layers alone.

    Returns:
        `Checkpoint`.
    """
    return huggingface.read(FAMILY, folder, num_layers)
