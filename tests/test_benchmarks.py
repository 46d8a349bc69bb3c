"""The benchmarks run, on small data."""

import runpy
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


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
