"""Hugging Face folders of `model_type` "bert".

Source: transformers' `BertModel` and `BertForSequenceClassification`.
"""

from semmatch.checkpoints import huggingface
from semmatch.checkpoints.encoder_config import ConfigKeys
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

NAME = "Hugging Face BERT"
MODEL_TYPES = ("bert",)

FAMILY = Family(
    config=ConfigKeys(huggingface.ACTIVATIONS),
    layout=huggingface.BERT_LAYOUT,
    prefixes=("bert.", ""),
    poolers=(
        Pooler("{}pooler.dense", "tanh", classifier=huggingface.CLASSIFIER),
    ),
    unused={**huggingface.UNUSED, r"cls\..*": "head of the pretraining"},
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
