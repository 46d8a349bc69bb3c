"""Fixtures that every test may use."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# TensorFlow writes its start-up notices past Python's warning filters.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# FAISS's threads wait for each other at full load otherwise, and take the
# cores from the tests beside.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

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


@pytest.fixture(scope="session")
def peer():
    """Runs code where sentence-transformers is, or skips and says how.

    In a process of its own: TensorFlow and torch do not always share one. It
    is the Python of `SEMMATCH_PEER_PYTHON`, else this one if it has torch.
    """
    python = os.environ.get("SEMMATCH_PEER_PYTHON")
    if python is None and importlib.util.find_spec("sentence_transformers"):
        python = sys.executable
    if python is None:
        pytest.skip(
            "needs sentence-transformers: set SEMMATCH_PEER_PYTHON to the "
            "Python of an environment that has it"
        )

    def run(code, folder, data):
        """What `code` prints as JSON, given a folder and data as JSON."""
        result = subprocess.run(
            [python, "-c", code, str(folder)],
            input=json.dumps(data),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout.splitlines()[-1])

    return run


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with what README and scripts take for given.

    `chinese-rbt4` is a tiny checkpoint, `qa_corpus` holds a few pairs of each
    split, `pairs.tsv` and `candidates.txt` are for the command line.
    """
    # Here, since most tests can do without TensorFlow.
    from semmatch import CrossEncoder
    from semmatch import load_faq
    from semmatch import TextEncoder
    from semmatch.models import CrossEncoderPreprocessor

    monkeypatch.chdir(tmp_path)
    faq = load_faq("zh")
    texts = faq.texts("train")
    preprocessor = CrossEncoderPreprocessor.from_texts(
        texts, sequence_length=64
    )
    encoder = TextEncoder(2000, 1, 2, 8, 16, max_sequence_length=64)
    CrossEncoder(encoder, preprocessor).save_to_preset("chinese-rbt4")
    for split in ("train", "valid", "test"):
        pairs = faq.pairs(split)[:64]
        columns = {
            "seq1.in": pairs.text_a,
            "seq2.in": pairs.text_b,
            "label": map(str, pairs.label),
        }
        folder = tmp_path / "qa_corpus" / split
        folder.mkdir(parents=True)
        for name, column in columns.items():
            text = "".join(f"{value}\n" for value in column)
            (folder / f"{split}.{name}").write_text(text, encoding="utf-8")
    lines = [f"{a}\t{b}\n" for a, b in zip(texts[:3], texts[3:6], strict=True)]
    (tmp_path / "pairs.tsv").write_text("".join(lines), encoding="utf-8")
    candidates = "\n".join(texts[:5])
    (tmp_path / "candidates.txt").write_text(candidates, encoding="utf-8")
    return tmp_path
