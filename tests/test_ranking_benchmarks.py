"""The benchmarks of similarity and ranking run, on small data."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import export_transformers
from semmatch import load_faq
from semmatch import TextEncoder
from semmatch.models import BiEncoderPreprocessor

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a benchmark on a tiny preset; returns what it prints."""
    preprocessor = BiEncoderPreprocessor.from_texts(
        load_faq("zh").texts("train"), sequence_length=32
    )
    encoder = TextEncoder(2000, 1, 2, 8, 16, max_sequence_length=128)
    # As a checkpoint, which both kinds of models start from.
    export_transformers(BiEncoder(encoder, preprocessor), tmp_path / "preset")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def run(name, arguments):
        command = [name, "--preset", "preset", "--data", "data"]
        monkeypatch.setattr(sys, "argv", command + arguments.split())
        runpy.run_path(str(BENCHMARKS / name))["main"]()
        return capsys.readouterr().out

    return run


def write_splits(label_of):
    """Pairs of the FAQ as files of a split each, with these labels."""
    Path("data").mkdir()
    for split, name in (("train", "train"), ("valid", "dev"), ("test", "test")):
        pairs = load_faq("zh").pairs(split)
        # A match and what does not match follow each other: of 24 queries
        # that are spread over the intents.
        starts = np.linspace(0, len(pairs) / 2 - 1, 24).astype(int) * 2
        lines = []
        for row in np.stack([starts, starts + 1], axis=1).ravel():
            texts = pairs.text_a[row], pairs.text_b[row]
            lines.append("\t".join([*texts, str(label_of(pairs, row))]))
        text = "\n".join(lines)
        Path("data", f"{name}.tsv").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_sts_measures_the_floor_the_encoder_and_its_best_epoch(run):
    random = np.random.default_rng(0)
    write_splits(lambda pairs, row: 2 * pairs.label[row] + random.integers(4))
    output = run("sts.py", "--train --epochs 2 --dtype float32")
    lines = output.splitlines()
    for name in ("character Dice", "encoder as it is", "trained by CoSENT"):
        dev, test = [line for line in lines if line.startswith(name)]
        figure = r"-?0\.\d{4} \(-?\d\.\d{4} to -?\d\.\d{4}\)"
        figures = f"Spearman {figure}, Pearson {figure}"
        assert re.fullmatch(rf"{name} +dev +{figures}", dev)
        assert re.fullmatch(rf"{name} +test +{figures}", test)
    # The epoch whose weights the model ends with is the better one.
    epochs = [line.split()[-1] for line in lines if line.startswith("epoch")]
    trained = next(line for line in lines if line.startswith("trained"))
    assert len(epochs) == 2
    assert f"Spearman {max(epochs, key=float)} (" in trained
    assert lines[-1].startswith("pearson")
    output = run("sts.py", "--prompt 还 --num-layers 1")
    assert "trained" not in output


@pytest.mark.slow
def test_trecqa_measures_both_models_beside_the_floors(run):
    write_splits(lambda pairs, row: pairs.label[row])
    output = run("trecqa.py", "--epochs 1 --bi-epochs 2 --num-negatives 1")
    for name in ("SharedWords", "CharacterOverlap", "bi-encoder as it is"):
        assert f"\n{name}\n" in output
    for name in ("bi-encoder", "cross-encoder"):
        assert f"\n{name}\n" in output
    assert "epoch 2: MAP on dev" in output
    assert output.count("\nMRR") == 5
    assert "a trained, b as it is" in output
    assert "a bi-encoder, b cross-encoder" in output
