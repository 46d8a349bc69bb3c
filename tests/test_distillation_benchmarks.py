"""The benchmarks of distillation run, on small data."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from semmatch import BiEncoder
from semmatch import export_transformers
from semmatch import load_faq
from semmatch import TextEncoder
from semmatch.models import BiEncoderPreprocessor

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def run(workplace, monkeypatch, capsys):
    """Runs `distill.py` on a tiny encoder; returns what it prints."""
    preprocessor = BiEncoderPreprocessor.from_texts(
        load_faq("zh").texts("train"), sequence_length=32
    )
    encoder = TextEncoder(2000, 2, 2, 8, 16, max_sequence_length=64)
    # As a checkpoint, which both kinds of students start from.
    export_transformers(BiEncoder(encoder, preprocessor), "encoder")
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def run(arguments):
        command = (
            "distill.py --preset encoder --teacher chinese-rbt4 --data "
            "qa_corpus --out runs --limit 32 --epochs 1 --dtype float32 "
        )
        monkeypatch.setattr(sys, "argv", (command + arguments).split())
        runpy.run_path(str(BENCHMARKS / "distill.py"))["main"]()
        return capsys.readouterr().out

    return run


@pytest.mark.slow
def test_distill_trains_each_recipe_once_and_compares_it_with_alone(run):
    recipes = "--recipes alone augmented --num-pairs 20 --num-layers 1"
    first = run(recipes)
    assert "1/1" in first
    assert "a: augmented, b: alone, seed 0, test" in first
    assert "augmented: of the teacher's accuracy kept" in first
    assert "augmented: of the gap closed" in first
    second = run(recipes)
    assert "1/1" not in second
    assert second.splitlines()[-1] == first.splitlines()[-1]


@pytest.mark.slow
def test_distill_teaches_vectors_and_narrow_blocks(run):
    output = run("--student bi-encoder --num-layers 1 --recipes alone order")
    assert "a: order, b: alone, seed 0, test" in output
    assert re.search(r"^spearman ", output, re.MULTILINE)
    output = run("--num-layers 1 --hidden-dim 4 --recipes alone --valid-only")
    assert "test 0." not in output


@pytest.mark.slow
def test_distill_refuses_narrow_vectors(run):
    with pytest.raises(SystemExit):
        run("--student bi-encoder --hidden-dim 4")


@pytest.mark.slow
def test_frontier_measures_and_draws_every_model(run, monkeypatch, capsys):
    arguments = "--data qa_corpus --limit 16 --repeats 3 --out runs"
    models = ["a=chinese-rbt4", "b=chinese-rbt4"]
    monkeypatch.setattr(
        sys, "argv", ["frontier.py", *models, *arguments.split()]
    )
    runpy.run_path(str(BENCHMARKS / "frontier.py"))["main"]()
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["a", "b"]
    assert all(re.search(r"1 pair \d+\.\d+ ms", row) for row in rows)
    assert Path("runs/frontier.png").is_file()
