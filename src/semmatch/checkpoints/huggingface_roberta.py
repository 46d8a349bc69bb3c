"""Hugging Face folders of `model_type` "roberta" and "xlm-roberta".

Source: transformers' `RobertaModel`, `XLMRobertaModel` and their
`ForSequenceClassification`.
"""

import dataclasses

from semmatch._json import read_json_object
from semmatch.checkpoints import huggingface
from semmatch.checkpoints.encoder_config import ConfigKeys
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler
from semmatch.checkpoints.format import Arrays

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


class _RobertaFormat(huggingface.HuggingFaceFormat):
    """Positions begin with 0, as BERT's do, once they are read.

    What is added to every token alike has become a part of them.
    """

    def positions(self, folder):
        path = folder / huggingface.CONFIG_FILE
        return super().positions(folder) - _first_position(path)

    def read(self, folder, num_layers=None):
        checkpoint = super().read(folder, num_layers)
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
            checkpoint, config=config, tensors=Arrays(readers)
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


FORMAT = _RobertaFormat(
    "Hugging Face RoBERTa", ("roberta", "xlm-roberta"), FAMILY
)
