"""An encoder of another library, with its tokenizer."""

import dataclasses
from pathlib import Path

import keras_hub

from semmatch import checkpoints
from semmatch.checkpoints import sentence_transformers
from semmatch.models import keras_hub_preset
from semmatch.models.empty_encoder import empty_encoder
from semmatch.tokenizers import TextNormalizer
from semmatch.tokenizers import Tokenizer

_TABLE = "token_embedding/embeddings"


@dataclasses.dataclass(frozen=True)
class EncoderSource:
    """What a model is built on.

    Attributes:
        encoder: `keras_hub.models.Backbone`.
        tokenizer: `Tokenizer`.
        sequence_length: int, the longest input.
        report: `LoadReport`.
        classifier: a dict of `kernel` and `bias` of a classifier on the
            pooler, or None.
        classifier_tensors: tuple of strings, its names in `report.used`.
        modules: `checkpoints.sentence_transformers.Modules` of an encoder of
            texts, or None.
    """

    encoder: keras_hub.models.Backbone
    tokenizer: Tokenizer
    sequence_length: int
    report: checkpoints.LoadReport
    classifier: dict | None = None
    classifier_tensors: tuple = ()
    modules: sentence_transformers.Modules | None = None


def read_source(preset, *, num_layers, dtype):
    """Reads a checkpoint's folder, or a preset of KerasHub.

    Args:
        preset: path, or a handle that KerasHub knows.
        num_layers: int or None for all.
        dtype: dtype policy.

    Returns:
        `EncoderSource`.
    """
    if keras_hub_preset.matches(preset):
        encoder, tokenizer, length = keras_hub_preset.read(
            preset, num_layers=num_layers, dtype=dtype
        )
        used = tuple(variable.path for variable in encoder.weights)
        report = checkpoints.LoadReport(used, unused={})
        return EncoderSource(encoder, tokenizer, length, report)
    folder, modules = Path(preset), None
    if sentence_transformers.matches(folder):
        modules = sentence_transformers.read(folder)
        folder = modules.encoder
    checkpoint = checkpoints.read_checkpoint(folder, num_layers=num_layers)
    tokenizer = Tokenizer.from_folder(folder)
    length = checkpoint.sequence_length
    if modules is not None:
        if modules.lowercase:
            tokenizer = tokenizer.with_normalizer(_lowercase())
        if modules.sequence_length is not None:
            limit = checkpoint.config["max_sequence_length"]
            length = min(modules.sequence_length, limit)
    embeds = modules is not None and not modules.is_cross_encoder
    return EncoderSource(
        _encoder(checkpoint, dtype),
        tokenizer,
        length,
        checkpoint.report,
        checkpoint.head,
        checkpoint.head_tensors,
        modules if embeds else None,
    )


def _encoder(checkpoint, dtype):
    tensors = checkpoint.tensors
    encoder = empty_encoder(checkpoint.config, dtype, tensors[_TABLE])
    variables = {variable.path: variable for variable in encoder.weights}
    for path in set(tensors) - {_TABLE}:
        variables[path].assign(tensors[path])
    return encoder


def _lowercase():
    others = ("width", "quotes", "spaces", "zero_width")
    return TextNormalizer(**dict.fromkeys(others, False))
