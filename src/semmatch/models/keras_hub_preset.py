"""Presets of KerasHub, read by KerasHub itself."""

import json
import tempfile
from pathlib import Path

import keras_hub

from semmatch._json import read_json_object
from semmatch.tokenizers import Tokenizer

CONFIG_FILE = "config.json"

# As KerasHub names them, before the path of a hub or a preset.
_SCHEMES = ("kaggle://", "hf://", "modelscope://", "gs://")


def matches(preset):
    """Whether a handle is one of KerasHub, or a folder that it wrote.

    >>> matches("kaggle://keras/bert/keras/bert_base_zh")
    True
    """
    text = str(preset)
    if text.startswith(_SCHEMES) or text in keras_hub.models.Backbone.presets:
        return True
    path = Path(preset) / CONFIG_FILE
    return path.is_file() and {"module", "class_name"} <= set(
        read_json_object(path)
    )


def read(preset, *, num_layers, dtype):
    """Reads a preset.

    Args:
        preset: handle or folder.
        num_layers: None; the backbones of KerasHub keep all their layers.
        dtype: dtype policy.

    Returns:
        A `keras_hub.models.Backbone`, `Tokenizer`, and the longest input.

    Raises:
        ValueError: with `num_layers`, for a backbone that does not read the
            features of text encoders, and for a tokenizer of another kind.
    """
    if num_layers is not None:
        raise ValueError(
            "`num_layers` cuts checkpoints of Hugging Face, of Google and of "
            f"semmatch; those of KerasHub are taken whole. Received: {preset} "
            f"and num_layers={num_layers}."
        )
    backbone = keras_hub.models.Backbone.from_preset(str(preset), dtype=dtype)
    inputs = backbone.input if isinstance(backbone.input, dict) else {}
    if not {"token_ids", "padding_mask"} <= set(inputs):
        raise ValueError(
            "Expected the preset of a text encoder. Received: a "
            f"`{type(backbone).__name__}`."
        )
    tokenizer = keras_hub.models.Tokenizer.from_preset(str(preset))
    return backbone, _tokenizer(tokenizer), backbone.max_sequence_length


def _tokenizer(tokenizer):
    """The same tokenizer as a Rust one, from the files of Hugging Face."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        config = {}
        if isinstance(tokenizer, keras_hub.tokenizers.WordPieceTokenizer):
            pieces = tokenizer.get_vocabulary()
            _write(folder / "vocab.txt", "\n".join(pieces) + "\n")
            config = {
                "do_lower_case": tokenizer.lowercase,
                "strip_accents": tokenizer.strip_accents,
            }
        elif isinstance(tokenizer, keras_hub.tokenizers.BytePairTokenizer):
            vocabulary = {
                tokenizer.id_to_token(i): i
                for i in range(tokenizer.vocabulary_size())
            }
            _write(folder / "vocab.json", json.dumps(vocabulary))
            _write(folder / "merges.txt", "\n".join(tokenizer.merges) + "\n")
        elif isinstance(tokenizer, keras_hub.tokenizers.SentencePieceTokenizer):
            shifted = isinstance(
                tokenizer, keras_hub.tokenizers.XLMRobertaTokenizer
            )
            name = "sentencepiece.bpe.model" if shifted else "spiece.model"
            (folder / name).write_bytes(tokenizer.proto)
        else:
            raise ValueError(
                "Expected a WordPiece, byte-pair or SentencePiece tokenizer. "
                f"Received: a `{type(tokenizer).__name__}`."
            )
        _write(folder / "tokenizer_config.json", json.dumps(config))
        return Tokenizer.from_folder(folder)


def _write(path, text):
    path.write_text(text, encoding="utf-8")
