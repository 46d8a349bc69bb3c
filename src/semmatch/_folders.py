"""Folders and files that are there completely or not at all."""

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
        path: the folder to write. Files and folders of the same names that
            are there are replaced, others stay.

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
            former = path / file.name
            if former.is_dir():
                # A folder with files in it cannot be renamed over.
                os.replace(former, temporary / f"{file.name}.former")
            os.replace(file, former)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def writing_file(path):
    """Gives an open temporary file that becomes `path` if all goes well.

    Args:
        path: the file to write, of bytes; one that is there is replaced.

    Raises:
        IsADirectoryError: if `path` is a folder.

    >>> with tempfile.TemporaryDirectory() as root:
    ...     with writing_file(Path(root) / "a.txt") as file:
    ...         _ = file.write(b"done")
    ...     [p.name for p in Path(root).iterdir()]
    ['a.txt']
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f"Expected a file to write. {path} is a folder."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, since a rename must stay on one disk.
    with tempfile.TemporaryDirectory(
        prefix=f".{path.name}-", dir=path.parent
    ) as folder:
        temporary = Path(folder) / path.name
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
