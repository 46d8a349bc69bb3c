"""Checkpoint folders of other libraries, as numpy arrays in our names."""

from pathlib import Path

from semmatch._json import read_json_object
from semmatch.checkpoints import huggingface_bert
from semmatch.checkpoints.format import Checkpoint
from semmatch.checkpoints.format import LoadReport

# Each is a module with `NAME`, `matches(config)` and `read(folder, config,
# num_layers)`.
FORMATS = (huggingface_bert,)

__all__ = ["FORMATS", "Checkpoint", "LoadReport", "read_checkpoint"]


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
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Expected a folder. There is none at {folder}."
        )
    known = ", ".join(module.NAME for module in FORMATS)
    path = folder / "config.json"
    if not path.is_file():
        found = sorted(p.name for p in folder.iterdir())
        raise ValueError(
            f"{folder} is no checkpoint: it has no config.json. Known formats: "
            f"semmatch presets, {known}. Received a folder with: "
            f"{', '.join(found) or 'nothing'}."
        )
    config = read_json_object(path)
    for module in FORMATS:
        if module.matches(config):
            return module.read(folder, config, num_layers)
    raise ValueError(
        f"{path} has the model_type {config.get('model_type')!r}, which is "
        f"not known. Known formats: semmatch presets, {known}."
    )
