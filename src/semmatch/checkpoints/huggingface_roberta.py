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
from semmatch.checkpoints.format import Arrays

NAME = "Hugging Face RoBERTa"
MODEL_TYPES = ("roberta", "xlm-roberta")

_POSITIONS = "position_embedding/embeddings"
_SEGMENTS = "segment_embedding/embeddings"

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
    first = _first_position(folder / huggingface.CONFIG_FILE)
    config = dict(checkpoint.config)
    config["max_sequence_length"] -= first
    tables, readers = checkpoint.tensors, dict(checkpoint.tensors.readers)
    fold = config["num_segments"] == 1
    if fold:
        # One segment needs no ids of segments in training and serving.
        del readers[_SEGMENTS]
        config["num_segments"] = 0

    def positions():
        table = tables[_POSITIONS][first:]
        return table + tables[_SEGMENTS] if fold else table

    readers[_POSITIONS] = positions
    return dataclasses.replace(
        checkpoint,
        config=config,
        tensors=Arrays(readers),
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
