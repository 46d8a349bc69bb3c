"""The benchmark of records runs, on few pairs."""

import re
import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.slow
def test_records_prints_every_figure(tmp_path, monkeypatch, capsys):
    arguments = [
        "records.py",
        *("--num-pairs", "3000", "--out", str(tmp_path), "--steps", "2"),
        *("--batch-size", "8", "--num-layers", "1"),
    ]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    runpy.run_path(str(BENCHMARKS / "records.py"))["main"]()
    shown = capsys.readouterr().out
    assert shown.startswith("3,000 pairs, 0.00 GB of text")
    assert re.search(r"^training +[\d,]+ pairs/s", shown, re.M)
    for content in ("texts", "token_ids"):
        assert re.search(
            rf"^{content} +[\d,]+ pairs/s written .* GB", shown, re.M
        )
        assert re.search(
            rf"^{content} +[\d,]+ pairs/s read +[\d.]+ x the training .* MiB "
            "above the model",
            shown,
            re.M,
        )
