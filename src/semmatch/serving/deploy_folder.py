"""The folder that a model is served from: what is in it, and whole."""

import dataclasses
import json
from pathlib import Path

from semmatch._checks import check_one_of
from semmatch._checks import check_positive_int
from semmatch._json import read_json_object
from semmatch._records import Embedding
from semmatch._records import Scoring
from semmatch._saved_folder import sha256
from semmatch.tokenizers.packing import TRUNCATIONS
from semmatch.tokenizers.tokenizer import TOKENIZER_FILE

CONFIG_FILE = "semmatch.json"
MODEL_FILE = "model.onnx"
FORMAT_VERSION = 1
# The name of the graph's output, by the kind of the model.
OUTPUTS = {"cross_encoder": "logits", "bi_encoder": "sentence_embedding"}
# What `semmatch.json` says of this kind alone.
_OWN_SETTINGS = {"cross_encoder": "truncation", "bi_encoder": "embedding"}
QUANTIZATIONS = ("int8", "int8-static")


@dataclasses.dataclass(frozen=True)
class DeployConfig:
    """What `semmatch.json` says of the model beside it.

    Attributes:
        kind: `"cross_encoder"` or `"bi_encoder"`.
        sequence_length: int, the most tokens of a pair, of a bi-encoder the
            most of a text.
        scoring: `Scoring`.
        versions: a dict of library versions the folder was written with.
        truncation: `"longest_first"` or `"only_second"`, of pairs; None of a
            bi-encoder, which cuts the end of each text.
        embedding: `Embedding` of a bi-encoder, else None.
        quantization: `"int8"`, of activations as they come, `"int8-static"`,
            by ranges measured before, or None, for float32.
    """

    kind: str
    sequence_length: int
    scoring: Scoring
    versions: dict
    truncation: str | None = None
    embedding: Embedding | None = None
    quantization: str | None = None

    def __post_init__(self):
        check_one_of(self.kind, OUTPUTS, "kind")
        check_positive_int(self.sequence_length, "sequence_length")
        for kind, name in _OWN_SETTINGS.items():
            if (getattr(self, name) is not None) != (kind == self.kind):
                raise ValueError(
                    f"`{name}` is of each {kind}, and of nothing else. "
                    f"Received: kind={self.kind!r} and "
                    f"{name}={getattr(self, name)!r}."
                )
        if self.truncation is not None:
            check_one_of(self.truncation, TRUNCATIONS, "truncation")
        check_one_of(self.quantization, (None, *QUANTIZATIONS), "quantization")


def write_config(folder, config):
    """Writes `semmatch.json` for the files that are in `folder`."""
    files = {
        file.name: sha256(file)
        for file in sorted(folder.iterdir())
        if file.name != CONFIG_FILE
    }
    settings = dataclasses.asdict(config)
    record = {
        "format_version": FORMAT_VERSION,
        **{
            name: value for name, value in settings.items() if value is not None
        },
        "files": files,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")


def read_config(folder):
    """Reads a deploy folder's configuration and checks each of its files.

    Args:
        folder: path.

    Returns:
        `DeployConfig`.

    Raises:
        FileNotFoundError: if it is no deploy folder or a file is missing.
        ValueError: if a file is not as it was written, or of a newer format,
            or if `semmatch.json` lacks a key or has one too many.
    """
    folder = Path(folder)
    path = folder / CONFIG_FILE
    if not path.is_file():
        found = (
            sorted(p.name for p in folder.iterdir())
            if (folder.is_dir())
            else "no such folder"
        )
        raise FileNotFoundError(
            f"Expected a folder that `export_onnx` wrote, with {CONFIG_FILE} "
            f"in it. Received: {folder} ({found})."
        )
    record = read_json_object(path)
    version = record.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {version}; this semmatch reads "
            f"version {FORMAT_VERSION}. Export the model again, or install "
            "the semmatch that wrote it."
        )
    allowed = {field.name for field in dataclasses.fields(DeployConfig)}
    allowed.add("files")
    required = allowed - {*_OWN_SETTINGS.values(), "quantization"}
    if not required <= set(record) <= allowed:
        raise ValueError(
            f"{path} must have the keys {sorted(required)}, the one of its "
            f"kind, {_OWN_SETTINGS}, and quantization if it is quantised. "
            f"Received: {sorted(record)}. Export the model again."
        )
    files = record.pop("files")
    if not isinstance(files, dict) or not {MODEL_FILE, TOKENIZER_FILE} <= set(
        files
    ):
        raise ValueError(
            f"{path} must list {MODEL_FILE} and {TOKENIZER_FILE} with their "
            f"SHA-256 under `files`. Received: {files!r}. Export the model "
            "again."
        )
    for name, digest in files.items():
        file = folder / name
        if not file.is_file():
            raise FileNotFoundError(
                f"{folder} lacks {name}, which {CONFIG_FILE} lists. Copy the "
                "whole folder again."
            )
        if sha256(file) != digest:
            raise ValueError(
                f"{file} is not the file that was exported: its SHA-256 "
                f"differs from the one in {CONFIG_FILE}. Copy the folder "
                "again or export the model again."
            )
    try:
        record["scoring"] = Scoring(**record["scoring"])
        if "embedding" in record:
            record["embedding"] = Embedding(**record["embedding"])
        return DeployConfig(**record)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not describe a model that this semmatch can serve: "
            f"{error}. Export the model again."
        ) from error
