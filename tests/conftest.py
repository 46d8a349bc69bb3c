"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

# TensorFlow writes its start-up notices past Python's warning filters.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SHARED = Path(
    os.environ.get(
        "SEMMATCH_SHARED", Path(__file__).resolve().parents[2] / "shared"
    )
)


@pytest.fixture(scope="session")
def shared():
    """A folder of the research data and models, or a skip that names it.

    They may be read but not shipped, so a machine may not have them; set
    `SEMMATCH_SHARED` where they lie elsewhere than beside the checkout.
    """

    def find(name):
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"needs {name} of the shared research data")
        return path

    return find
