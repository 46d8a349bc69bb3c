"""Files that each hold all of a training, written whole or not at all."""

import errno
import json
import operator
import os
import re
import warnings
from pathlib import Path

import ml_dtypes  # noqa: F401 (teaches numpy bfloat16, which safetensors reads)
import numpy as np
import safetensors
from safetensors.numpy import save_file

_VERSION = 1
_NAME = re.compile(r"step-(\d+)\.safetensors")
_KEPT = 2
_UNFINISHED = "unfinished"


class CheckpointFiles:
    """The checkpoints of one training in a folder.

    A file is written under another name, brought to the disk, and renamed: a
    process that is killed at any time, or a machine that loses its power,
    leaves the ones of before.

    Args:
        folder: path.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = CheckpointFiles(folder)
    ...     for step in (10, 20, 30):
    ...         files.write(step, {"x": np.array([step])}, {"epoch": 1})
    ...         files.prune(step)
    ...     files.steps(), files.read(30)[0]["x"].tolist()
    ([20, 30], [30])
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def steps(self):
        """The steps of which there is a checkpoint, the oldest first."""
        if not self.folder.is_dir():
            return []
        found = map(_NAME.fullmatch, os.listdir(self.folder))
        return sorted(int(match[1]) for match in found if match)

    def write(self, step, arrays, record):
        """Adds the checkpoint of a step.

        Args:
            step: int.
            arrays: dict from names to arrays.
            record: dict of JSON values, integers of numpy among them.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / _UNFINISHED
        record = {"format_version": _VERSION, **record}
        contiguous = {
            # Not of `ascontiguousarray`, which makes scalars vectors.
            name: np.array(array, order="C", copy=None)
            for name, array in arrays.items()
        }
        try:
            text = json.dumps(record, default=operator.index)
            save_file(contiguous, unfinished, {"record": text})
            _to_disk(unfinished)
            os.replace(unfinished, self._path(step))
            _to_disk(self.folder)
        except safetensors.SafetensorError as error:
            # Its own name for a full disk.
            unfinished.unlink(missing_ok=True)
            raise OSError(f"{unfinished}: {error}") from error
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    def prune(self, step):
        """Keeps the checkpoint of a step and the one before it.

        All others are deleted, also those of later steps: a training that
        comes to this one has not gone on from them.
        """
        steps = self.steps()
        kept = [own for own in steps if own <= step][-_KEPT:]
        for other in set(steps) - set(kept):
            self._path(other).unlink()

    def drop(self, step):
        """Deletes the checkpoint of a step."""
        self._path(step).unlink()

    def read(self, step):
        """The arrays and the record of a step.

        Raises:
            ValueError: if the file is damaged or of another version.
        """
        path = self._path(step)
        try:
            with safetensors.safe_open(path, "numpy") as file:
                record = json.loads(file.metadata()["record"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (
            safetensors.SafetensorError,
            json.JSONDecodeError,
            KeyError,
            TypeError,
        ) as error:
            raise ValueError(
                f"{path} is no checkpoint of a training, or damaged: {error}. "
                "Delete it; the one before is taken then."
            ) from error
        version = record.pop("format_version", None)
        if version != _VERSION:
            raise ValueError(
                f"{path} has format version {version}; this semmatch reads "
                f"version {_VERSION}. Delete it to train anew, or install the "
                "semmatch that wrote it."
            )
        return arrays, record

    def readable(self):
        """The steps of which there is a whole checkpoint; warns of others."""
        whole = []
        for step in self.steps():
            try:
                with safetensors.safe_open(self._path(step), "numpy"):
                    whole.append(step)
            except (safetensors.SafetensorError, OSError) as error:
                warnings.warn(
                    f"{self._path(step)} is damaged and left out: {error}.",
                    stacklevel=2,
                )
        return whole

    def delete(self):
        """Deletes all checkpoints, and the folder if nothing else is there."""
        for step in self.steps():
            self._path(step).unlink()
        (self.folder / _UNFINISHED).unlink(missing_ok=True)
        if self.folder.is_dir() and not os.listdir(self.folder):
            self.folder.rmdir()

    def _path(self, step):
        return self.folder / f"step-{step:09}.safetensors"


def _to_disk(path):
    # A rename may reach the disk before the contents of the file do.
    if os.name == "nt" and path.is_dir():
        return  # Windows has no such thing for folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Nor have some file systems of networks.
        if error.errno != errno.EINVAL or not path.is_dir():
            raise
    finally:
        os.close(descriptor)
