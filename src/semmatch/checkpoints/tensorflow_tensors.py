"""Reads the tensors of a TensorFlow checkpoint as numpy arrays."""

from collections.abc import Mapping
from pathlib import Path


class CheckpointTensors(Mapping):
    """The tensors of a TensorFlow checkpoint, by name.

    A tensor is read when it is asked for.

    Args:
        prefix: path of the checkpoint without `.index`.

    Raises:
        ValueError: if it cannot be read.
    """

    def __init__(self, prefix):
        # Only to read: the arrays are numpy's.
        import tensorflow as tf

        # Of its C++ errors it gives some as those of Python.
        self._errors = (tf.errors.OpError, RuntimeError, IndexError)
        self._prefix = prefix
        self._reader = self._read(lambda: tf.train.load_checkpoint(str(prefix)))
        self._shapes = self._reader.get_variable_to_shape_map()

    def __getitem__(self, name):
        if name not in self._shapes:
            raise KeyError(name)
        return self._read(lambda: self._reader.get_tensor(name), name)

    def __iter__(self):
        return iter(self._shapes)

    def __len__(self):
        return len(self._shapes)

    def shape(self, name):
        """The shape of a tensor, which is not read for it."""
        return tuple(self._shapes[name])

    def path(self, name):
        """The checkpoint that holds a tensor."""
        return self._prefix

    def _read(self, read, name=None):
        try:
            return read()
        except self._errors as error:
            part = "" if name is None else f", the tensor {name},"
            raise ValueError(
                f"{self._prefix}{part} is truncated or no TensorFlow "
                f"checkpoint: {error}. Download it again."
            ) from error


def open_checkpoint(folder):
    """Opens the one TensorFlow checkpoint of a folder.

    Args:
        folder: path.

    Returns:
        `CheckpointTensors`.

    Raises:
        FileNotFoundError: if there is none, or it lacks its data.
        ValueError: if there are several, or it cannot be read.
    """
    folder = Path(folder)
    indices = sorted(folder.glob("*.index"))
    if not indices:
        found = sorted(p.name for p in folder.iterdir())
        raise FileNotFoundError(
            f"Expected a TensorFlow checkpoint, *.index and *.data-*, in "
            f"{folder}. Received a folder with: {', '.join(found)}."
        )
    if len(indices) > 1:
        raise ValueError(
            f"{folder} holds several checkpoints: "
            f"{', '.join(path.stem for path in indices)}. Keep the one to load "
            "in a folder of its own, with configuration and vocab.txt."
        )
    prefix = indices[0].with_suffix("")
    if not any(folder.glob(f"{prefix.name}.data-*")):
        raise FileNotFoundError(
            f"{indices[0]} has no data beside it: {prefix.name}.data-* is "
            "missing. Copy it into the folder."
        )
    return CheckpointTensors(prefix)
