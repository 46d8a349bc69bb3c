"""A training that is killed ends as one that is not."""

import re
import runpy
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks/kill_test.py"


@pytest.mark.slow
def test_two_kills_change_nothing(capfd):
    main = runpy.run_path(str(BENCHMARK))["main"]
    options = "--kills 2 --epochs 2 --limit 64 --every 2 --delay 0.1"
    assert main(options.split()) == 0
    shown = capfd.readouterr().out
    assert "uninterrupted: 8 steps" in shown
    assert re.search(r"kill 2: begun with step \d, after step \d", shown)
    assert shown.splitlines()[-1].endswith("the same, bit for bit")
