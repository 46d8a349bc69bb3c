"""The folder that a model is served from: what is in it, and whole."""

import dataclasses
import hashlib
import json
from pathlib import Path

from semmatch._records import Scoring

CONFIG_FILE = "semmatch.json"
MODEL_FILE = "model.onnx"
FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class DeployConfig:
    """What `semmatch.json` says of the model beside it.

    Attributes:
        kind: `"cross_encoder"`.
        sequence_length: int, the most tokens of a pair.
        truncation: `"longest_first"` or `"only_second"`.
        scoring: `Scoring`.
        versions: a dict of library versions the folder was written with.
    """

    kind: str
    sequence_length: int
    truncation: str
    scoring: Scoring
    versions: dict


def write_config(folder, config):
    """Writes `semmatch.json` for the files that are in `folder`."""
    files = {file.name: _sha256(file) for file in sorted(folder.iterdir())}
    record = {
        "format_version": FORMAT_VERSION,
        **dataclasses.asdict(config),
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
        ValueError: if a file is not as it was written, or of a newer format.
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
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is not readable as JSON ({error}). Export the model again."
        ) from error
    version = record.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {version}; this semmatch reads "
            f"version {FORMAT_VERSION}. Export the model again, or install "
            "the semmatch that wrote it."
        )
    for name, digest in record.pop("files").items():
        file = folder / name
        if not file.is_file():
            raise FileNotFoundError(
                f"{folder} lacks {name}, which {CONFIG_FILE} lists. Copy the "
                "whole folder again."
            )
        if _sha256(file) != digest:
            raise ValueError(
                f"{file} is not the file that was exported: its SHA-256 "
                f"differs from the one in {CONFIG_FILE}. Copy the folder "
                "again or export the model again."
            )
    return DeployConfig(**{**record, "scoring": Scoring(**record["scoring"])})


def _sha256(file):
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
