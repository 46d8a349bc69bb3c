"""The tokenizer of a folder and its limit, without the weights."""

from pathlib import Path

from semmatch import checkpoints
from semmatch._folders import PRESET_FILE
from semmatch._json import read_json_object
from semmatch.serving.deploy_folder import CONFIG_FILE
from semmatch.serving.deploy_folder import read_config
from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer


def read_packer(folder):
    """What cuts and packs the pairs of a model, of which nothing else is read.

    Args:
        folder: path of a preset, a checkpoint or a deploy folder.

    Returns:
        `semmatch.tokenizers.Packer`.

    Raises:
        FileNotFoundError: if there is no such folder, or no tokenizer in it.
        ValueError: if a file of it is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Expected a folder with a tokenizer. There is none at {folder}."
        )
    return Packer(Tokenizer.from_folder(folder), _sequence_length(folder))


def _sequence_length(folder):
    """The most tokens of a pair, as `Matcher` or `from_preset` reads it."""
    if (folder / CONFIG_FILE).is_file():
        return read_config(folder).sequence_length
    preset = folder / PRESET_FILE
    if not preset.is_file():
        return checkpoints.sequence_length(folder)
    try:
        config = read_json_object(preset)["config"]
        return config["preprocessor"]["config"]["sequence_length"]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{preset} does not say how long a pair may be ({error!r}). Save "
            "the model again."
        ) from error
