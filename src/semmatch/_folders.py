"""Folders that are there completely or not at all."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

# What `save_to_preset` writes beside the tokenizer.
PRESET_FILE = "semmatch_preset.json"
WEIGHTS_FILE = "model.weights.h5"


@contextlib.contextmanager
def writing_folder(path):
    """Gives a temporary folder that becomes `path` if all goes well.

    Args:
        path: the folder to write. Files of the same names that are there are
            replaced, others stay.

    Raises:
        FileExistsError: if `path` is a file.

    >>> with tempfile.TemporaryDirectory() as root:
    ...     with writing_folder(Path(root) / "out") as folder:
    ...         _ = (folder / "a.txt").write_text("done")
    ...     sorted(p.name for p in Path(root).iterdir())
    ['out']
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(
            f"Expected a folder to write to. {path} is a file."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, since a rename must stay on one disk.
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield temporary
        path.mkdir(exist_ok=True)
        for file in sorted(temporary.iterdir()):
            os.replace(file, path / file.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
