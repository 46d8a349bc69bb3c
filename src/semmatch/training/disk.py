"""Folders that a training writes to, looked at before it begins."""

import math
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np

_MIB = 2**20

# Keras's callbacks that write, and the attribute that says where. Of files
# the folder counts.
_WRITERS = {
    keras.callbacks.ModelCheckpoint: ("filepath", "file"),
    keras.callbacks.BackupAndRestore: ("backup_dir", "folder"),
    keras.callbacks.CSVLogger: ("filename", "file"),
    keras.callbacks.TensorBoard: ("log_dir", "folder"),
}

# Of these the model, as often as it is on the disk at once.
_COPIES = {
    keras.callbacks.ModelCheckpoint: 2,
    keras.callbacks.BackupAndRestore: 2,
}


def local_folder(folder, who):
    """The path of a folder on a disk of this machine.

    Args:
        folder: path.
        who: str, what is going to write, for the message.

    Raises:
        ValueError: for the address of a remote store.

    >>> local_folder("runs/1", "`Resume`").name
    '1'
    """
    if _is_remote(folder):
        raise ValueError(
            f"{who} writes to a folder of this machine. Received: {folder!r}. "
            "Give a local one, and copy it, or mount the store."
        )
    return Path(folder)


def check_folder(folder, num_bytes, who):
    """Makes a folder, and refuses one that cannot be written to.

    Args:
        folder: path.
        num_bytes: int, the room that is needed.
        who: str, what is going to write, for the message.

    Returns:
        The path.

    Raises:
        OSError: if it cannot be made or written to, or the disk has less
            room.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_folder(Path(folder) / "run", 1000, "`Resume`").is_dir()
    True
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")
    except OSError as error:
        raise OSError(
            error.errno,
            f"{who} cannot write to the folder ({error.strerror}). Give "
            "another folder, or change its permissions",
            str(folder),
        ) from error
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise OSError(
            f"{who} needs {_mib(num_bytes)} MiB in {folder}, and its disk has "
            f"{_mib(free)} MiB left. Free some room, or give a folder on "
            "another disk."
        )
    return folder


def check_callback_folders(callbacks, model):
    """Refuses callbacks of Keras that would fail after hours of training.

    Args:
        callbacks: list of `keras.callbacks.Callback`.
        model: a Keras model.
    """
    size = num_bytes(state(model))
    for callback in callbacks:
        for kind, (name, form) in _WRITERS.items():
            path = str(getattr(callback, name, ""))
            # Of a remote store nobody knows the room.
            if isinstance(callback, kind) and not _is_remote(path):
                folder = _folder(path, form)
                room = size * _COPIES.get(kind, 0)
                check_folder(folder, room, f"`{kind.__name__}`")


def state(model):
    """The variables of a model and of its optimizer, if that is built.

    Args:
        model: a compiled Keras model.
    """
    return [*model.variables, *getattr(model.optimizer, "variables", [])]


def num_bytes(variables):
    """The size of variables.

    >>> num_bytes([keras.Variable(np.zeros((2, 3), "float32"))])
    24
    """
    return sum(
        math.prod(variable.shape) * _itemsize(variable.dtype)
        for variable in variables
    )


def _is_remote(path):
    return "://" in str(path)


def _folder(path, form):
    # A name may have the epoch in it: "weights/{epoch}.weights.h5".
    named = path.split("{")[0]
    if form == "file" or named != path:
        return Path(f"{named}x").parent
    return Path(named)


def _itemsize(dtype):
    # numpy has no bfloat16 by itself.
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _mib(count):
    return f"{count / _MIB:,.0f}"
