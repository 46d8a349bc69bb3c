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
