"""Checkpoint folders of other libraries, as numpy arrays in our names."""

import dataclasses
import warnings
from pathlib import Path

from semmatch._json import read_json_object
from semmatch.checkpoints import google_albert
from semmatch.checkpoints import google_bert
from semmatch.checkpoints import google_electra
from semmatch.checkpoints import huggingface_albert
from semmatch.checkpoints import huggingface_bert
from semmatch.checkpoints import huggingface_distilbert
from semmatch.checkpoints import huggingface_electra
from semmatch.checkpoints import huggingface_roberta
from semmatch.checkpoints.format import Checkpoint
from semmatch.checkpoints.format import LoadReport

# Each has a `name`, `matches(folder)`, `sequence_length(folder)` and
# `read(folder, num_layers)`; of several that match, the first is read.
_HUGGINGFACE = (
    huggingface_bert.FORMAT,
    huggingface_roberta.FORMAT,
    huggingface_distilbert.FORMAT,
    huggingface_albert.FORMAT,
    huggingface_electra.FORMAT,
)
_GOOGLE = (google_bert.FORMAT, google_albert.FORMAT, google_electra.FORMAT)
FORMATS = _HUGGINGFACE + _GOOGLE

__all__ = [
    "FORMATS",
    "Checkpoint",
    "LoadReport",
    "read_checkpoint",
    "sequence_length",
]


def read_checkpoint(folder, *, num_layers=None):
    """Reads a folder of any known format.

    Args:
        folder: path.
        num_layers: int or None, keeps the first layers alone.

    Returns:
        `Checkpoint`.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it is no checkpoint, or of an unknown format.
    """
    folder = Path(folder)
    first, *others = _matching(folder)
    if others:
        names = " and ".join(form.name for form in (first, *others))
        warnings.warn(
            f"{folder} holds {names}: {first.name} is read. Put the other into "
            "a folder of its own to load it.",
            stacklevel=3,
        )
    checkpoint = first.read(folder, num_layers)
    return dataclasses.replace(checkpoint, name=first.name)


def sequence_length(folder):
    """The most tokens of a pair that a checkpoint reads.

    Args:
        folder: path.

    Raises:
        As `read_checkpoint`.
    """
    folder = Path(folder)
    return _matching(folder)[0].sequence_length(folder)


def _matching(folder):
    """The formats of a folder, at least one."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Expected a folder. There is none at {folder}."
        )
    matching = [form for form in FORMATS if form.matches(folder)]
    if not matching:
        raise ValueError(_what_it_is_not(folder))
    return matching


def _what_it_is_not(folder):
    known = ", ".join(form.name for form in FORMATS)
    path = folder / "config.json"
    if path.is_file():
        types = sorted(t for form in _HUGGINGFACE for t in form.model_types)
        return (
            f"{path} has the model_type "
            f"{read_json_object(path).get('model_type')!r}, which is not "
            f"known. Known are {', '.join(types)}. Known formats: semmatch "
            f"presets, {known}."
        )
    globs = ", ".join(g for form in _GOOGLE for g in form.config_files)
    found = sorted(p.name for p in folder.iterdir())
    return (
        f"{folder} is no checkpoint: it has no config.json and no "
        f"configuration of a TensorFlow checkpoint ({globs}). Known formats: "
        f"semmatch presets, {known}. Received a folder with: "
        f"{', '.join(found) or 'nothing'}."
    )
