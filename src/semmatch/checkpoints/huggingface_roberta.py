"""Hugging Face folders of `model_type` "roberta" and "xlm-roberta".

Source: transformers' `RobertaModel`, `XLMRobertaModel` and their
`ForSequenceClassification`.
"""

import dataclasses

from semmatch._json import read_json_object
from semmatch.checkpoints import huggingface
from semmatch.checkpoints.encoder_config import ConfigKeys
from semmatch.checkpoints.encoder_config import read_limit
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

NAME = "Hugging Face RoBERTa"
MODEL_TYPES = ("roberta", "xlm-roberta")

FAMILY = Family(
    config=ConfigKeys(huggingface.ACTIVATIONS),
    layout=huggingface.BERT_LAYOUT,
    prefixes=("roberta.", ""),
    poolers=(
        Pooler("classifier.dense", "tanh", classifier=huggingface.OUT_PROJ),
        Pooler("{}pooler.dense", "tanh"),
    ),
    unused={**huggingface.UNUSED, r"lm_head\..*": "head of the pretraining"},
)


def matches(folder):
    """Whether a folder is of this format."""
    return huggingface.has_model_type(folder, MODEL_TYPES)


def sequence_length(folder):
    """The tokenizer's limit where it has one, else that of the positions."""
    path = folder / huggingface.CONFIG_FILE
    limit = read_limit(path) - _first_position(path)
    return huggingface.sequence_length(folder, limit)


def read(folder, num_layers=None):
    """Reads a folder of this format.

    Args:
        folder: `pathlib.Path`.
        num_layers: int or None, keeps the first layers alone.

    Returns:
        `Checkpoint`; its positions begin with 0, as BERT's do, and what is
        added to every token alike has become a part of them.
    """
    checkpoint = huggingface.read(FAMILY, folder, num_layers)
    config, tensors = dict(checkpoint.config), dict(checkpoint.tensors)
    first = _first_position(folder / huggingface.CONFIG_FILE)
    positions = tensors["position_embedding/embeddings"][first:]
    if config["num_segments"] == 1:
        # One segment needs no ids of segments in training and serving.
        positions = positions + tensors.pop("segment_embedding/embeddings")
        config["num_segments"] = 0
    tensors["position_embedding/embeddings"] = positions
    config["max_sequence_length"] = len(positions)
    return dataclasses.replace(
        checkpoint,
        config=config,
        tensors=tensors,
        sequence_length=sequence_length(folder),
    )


def _first_position(path):
    """The row of the first token in the table of positions.

    fairseq counts positions from the id of the padding on, which has a row
    of its own.
    """
    pad_id = read_json_object(path).get("pad_token_id", 1)
    if not isinstance(pad_id, int):
        raise ValueError(
            f"{path}: pad_token_id must be a number, since positions are "
            f"counted from it on. Received: pad_token_id={pad_id!r}."
        )
    return pad_id + 1
