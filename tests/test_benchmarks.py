"""The benchmarks run, on small data."""

import re
import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.slow
def test_qa_corpus_trains_once_and_prints_every_figure(
    workplace, monkeypatch, capsys
):
    arguments = (
        "--preset chinese-rbt4 --data qa_corpus --out runs --epochs 1 "
        "--seeds 3 --dtype float32"
    )
    monkeypatch.setattr(sys, "argv", ["qa_corpus.py", *arguments.split()])
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "qa_corpus.py"))
    module["main"]()
    first = capsys.readouterr().out
    for figure in (
        "pairs per second",
        "95 % interval",
        "true \\ predicted",
        "deploy-int8",
        "mean test accuracy over seeds [3]",
    ):
        assert figure in first

    module["main"]()
    second = capsys.readouterr().out
    assert "1/1" in first  # the epoch of Keras's log
    assert "1/1" not in second
    assert first.splitlines()[-1] == second.splitlines()[-1]


@pytest.mark.slow
def test_tricks_trains_each_recipe_once_and_reads_test_when_told(
    workplace, monkeypatch, capsys
):
    def run(more):
        arguments = (
            "--preset chinese-rbt4 --data qa_corpus --out runs --seeds 3 "
            "--dtype float32 --limit 32 --recipes plain r-drop-4"
        )
        monkeypatch.setattr(
            sys, "argv", ["tricks.py", *arguments.split(), *more]
        )
        monkeypatch.syspath_prepend(str(BENCHMARKS))
        runpy.run_path(str(BENCHMARKS / "tricks.py"))["main"]()
        return capsys.readouterr().out

    first = run([])
    assert "1/1" in first
    assert first.splitlines()[-1].startswith("r-drop-4")
    assert "test" not in first
    second = run(["--test"])
    assert "1/1" not in second
    assert "test 0." in second


def test_index_prints_every_step_of_every_kind(monkeypatch, capsys):
    arguments = "--vectors 3000 --dim 16 --queries 9 --single 3 --runs 1"
    kinds = ["numpy", "Flat", "HNSW8:efSearch=32", "IVF4,Flat:nprobe=4"]
    arguments = [*arguments.split(), "--kinds", *kinds]
    monkeypatch.setattr(sys, "argv", ["index.py", *arguments])
    runpy.run_path(str(BENCHMARKS / "index.py"))["main"]()
    shown = capsys.readouterr().out
    for part in ["build", "save", "load", "search of 9", "search of 3 x 1"]:
        rows = re.findall(rf"^{part} +\d.*", shown, re.MULTILINE)
        assert len(rows) == 4
        for row in rows:
            ours, plain, ratio = map(float, row[len(part) :].split())
            # As printed: what is fast takes no hundredths of a second.
            assert ours >= 0 and plain >= 0 and ratio >= 0
    recalls = re.findall(r"^recall at 10, \w+: ([\d.]+)", shown, re.MULTILINE)
    assert len(recalls) == 8
    # All that look at every vector find the same as FAISS's exact search.
    assert [recalls[place] for place in (0, 1, 2, 3, 6, 7)] == ["1.0000"] * 6
    assert min(map(float, recalls)) > 0.8
