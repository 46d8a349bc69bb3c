"""Reads the tensors of a checkpoint folder as numpy arrays."""

from collections.abc import Mapping
from pathlib import Path

import ml_dtypes  # noqa: F401 (teaches numpy bfloat16, which safetensors reads)
import safetensors

from semmatch._json import read_json_object

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
PYTORCH_FILE = "pytorch_model.bin"


class Tensors(Mapping):
    """The tensors of one or several safetensors files, by name.

    Floats of any width come as float32, and a tensor is read when it is
    asked for.

    Args:
        files: a dict from the tensor's name to the path of its file.

    Raises:
        ValueError: if a file is truncated or no safetensors file.
    """

    def __init__(self, files):
        self._files = files
        self._open = {path: _open(path) for path in set(files.values())}
        for name, path in files.items():
            if name not in self._open[path].keys():  # noqa: SIM118 (no dict)
                raise ValueError(
                    f"{path} lacks the tensor {name}, which the index beside "
                    "it lists. Download the checkpoint again."
                )

    def __getitem__(self, name):
        array = self._open[self._files[name]].get_tensor(name)
        is_float = array.dtype.kind not in "biu"
        return array.astype("float32") if is_float else array

    def __iter__(self):
        return iter(self._files)

    def __len__(self):
        return len(self._files)

    def path(self, name):
        """The file that holds a tensor."""
        return self._files[name]


def open_tensors(folder):
    """Opens the safetensors of a folder, one file or sharded.

    Args:
        folder: path.

    Returns:
        `Tensors`.

    Raises:
        FileNotFoundError: if there is none, or a shard is missing.
        ValueError: if a file cannot be read.
    """
    folder = Path(folder)
    if (folder / SINGLE_FILE).is_file():
        path = folder / SINGLE_FILE
        return Tensors(dict.fromkeys(_open(path).keys(), path))
    index = folder / INDEX_FILE
    if index.is_file():
        weight_map = read_json_object(index).get("weight_map")
        if not isinstance(weight_map, dict):
            raise ValueError(
                f"{index} must have a `weight_map` from tensors to files. "
                "Download it again."
            )
        files = {name: folder / file for name, file in weight_map.items()}
        for path in sorted(set(files.values())):
            if not path.is_file():
                raise FileNotFoundError(
                    f"{index} lists {path.name}, which is not there. Download "
                    "the missing file into the folder."
                )
        return Tensors(files)
    if (folder / PYTORCH_FILE).is_file():
        raise ValueError(
            f"{folder} holds its weights as {PYTORCH_FILE}, which can run code "
            "when read. Write them again by "
            "`model.save_pretrained(folder, safe_serialization=True)`."
        )
    found = sorted(p.name for p in folder.iterdir())
    raise FileNotFoundError(
        f"Expected {SINGLE_FILE} or {INDEX_FILE} in {folder}. Received a "
        f"folder with: {', '.join(found) or 'nothing'}."
    )


def _open(path):
    try:
        return safetensors.safe_open(path, framework="numpy")
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path} ({path.stat().st_size:,} bytes) is truncated or no "
            f"safetensors file: {error}. Download it again."
        ) from error
