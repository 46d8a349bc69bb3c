"""Reads the tensors of a checkpoint folder as numpy arrays."""

import json
from collections.abc import Mapping
from pathlib import Path

import ml_dtypes  # noqa: F401 (teaches numpy bfloat16, which safetensors reads)
import numpy as np
import safetensors

from semmatch._json import read_json_object
from semmatch.checkpoints.pytorch_file import PytorchFile

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
PYTORCH_FILE = "pytorch_model.bin"
PYTORCH_INDEX_FILE = "pytorch_model.bin.index.json"


class Tensors(Mapping):
    """The tensors of one or several safetensors or PyTorch files, by name.

    Floats of any width come as float32, and a tensor is read when it is
    asked for.

    Args:
        files: a dict from the tensor's name to the path of its file.

    Raises:
        ValueError: if a file is truncated, or a pickle that holds code.
    """

    def __init__(self, files):
        self._files = files
        self._starts = {}
        self._open = {path: _open(path) for path in set(files.values())}
        for name, path in files.items():
            if name not in self._open[path].keys():  # noqa: SIM118 (no dict)
                raise ValueError(
                    f"{path} lacks the tensor {name}, which the index beside "
                    "it lists. Download the checkpoint again."
                )

    def __getitem__(self, name):
        path = self._files[name]
        file = self._open[path]
        if not isinstance(file, PytorchFile) and (
            file.get_slice(name).get_dtype() == "F32"
        ):
            return self._mapped(path, name)
        array = file.get_tensor(name)
        is_float = array.dtype.kind not in "biu"
        return array.astype("float32", copy=False) if is_float else array

    def _mapped(self, path, name):
        """A tensor in the memory of its file, instead of a copy."""
        if path not in self._starts:
            with open(path, "rb") as file:
                length = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(length))
            self._starts[path] = {
                name: 8 + length + record["data_offsets"][0]
                for name, record in header.items()
                if name != "__metadata__"
            }
        start = self._starts[path][name]
        return np.memmap(path, "<f4", "r", start, self.shape(name))

    def __iter__(self):
        return iter(self._files)

    def __len__(self):
        return len(self._files)

    def shape(self, name):
        """The shape of a tensor, which is not read for it."""
        file = self._open[self._files[name]]
        if isinstance(file, PytorchFile):
            return file.shape(name)
        return tuple(file.get_slice(name).get_shape())

    def path(self, name):
        """The file that holds a tensor."""
        return self._files[name]


def open_tensors(folder):
    """Opens the tensors of a folder, one file or sharded.

    Safetensors are taken where there are any, else PyTorch's own files.

    Args:
        folder: path.

    Returns:
        `Tensors`.

    Raises:
        FileNotFoundError: if there is none, or a shard is missing.
        ValueError: if a file cannot be read.
    """
    folder = Path(folder)
    for single, index in (
        (SINGLE_FILE, INDEX_FILE),
        (PYTORCH_FILE, PYTORCH_INDEX_FILE),
    ):
        path = folder / single
        if path.is_file():
            return Tensors(dict.fromkeys(_open(path).keys(), path))
        if (folder / index).is_file():
            return Tensors(_shards(folder / index))
    found = sorted(p.name for p in folder.iterdir())
    raise FileNotFoundError(
        f"Expected {SINGLE_FILE}, {INDEX_FILE}, {PYTORCH_FILE} or "
        f"{PYTORCH_INDEX_FILE} in {folder}. Received a folder with: "
        f"{', '.join(found) or 'nothing'}."
    )


def _shards(index):
    """The file of each tensor, as the index says."""
    weight_map = read_json_object(index).get("weight_map")
    if not isinstance(weight_map, dict):
        raise ValueError(
            f"{index} must have a `weight_map` from tensors to files. "
            "Download it again."
        )
    files = {name: index.parent / file for name, file in weight_map.items()}
    for path in sorted(set(files.values())):
        if not path.is_file():
            raise FileNotFoundError(
                f"{index} lists {path.name}, which is not there. Download "
                "the missing file into the folder."
            )
    return files


def _open(path):
    if path.suffix == ".bin":
        return PytorchFile(path)
    try:
        return safetensors.safe_open(path, framework="numpy")
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path} ({path.stat().st_size:,} bytes) is truncated or no "
            f"safetensors file: {error}. Download it again."
        ) from error
