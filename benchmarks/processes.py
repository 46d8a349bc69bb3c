"""Processes of their own, ours and the peers', with equal threads."""

import json
import os
import subprocess
import sys
from pathlib import Path

SENTENCE_TRANSFORMERS = (
    "sentence-transformers>=6,<7",
    "datasets",
    "accelerate",
)


def with_threads(number):
    """The environment of a process that computes with so many threads."""
    return os.environ | {
        "OMP_NUM_THREADS": str(number),
        "TF_NUM_INTRAOP_THREADS": str(number),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def reading(command, threads):
    """What a process prints as its last line, in JSON."""
    output = subprocess.run(
        list(map(str, command)),
        env=with_threads(threads),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return json.loads(output.splitlines()[-1])


def peer_python(name, requirements):
    """The Python of a virtual environment under `runs/peers`, made once."""
    folder = Path("runs/peers") / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "-q", *requirements]
        subprocess.run(install, check=True)
    return python


def sentence_transformers_python():
    return peer_python("sentence-transformers", SENTENCE_TRANSFORMERS)
