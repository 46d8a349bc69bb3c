"""Figures of epochs for people and for programs."""

import csv
import json
import math

from semmatch.training.metric_files import finite
from semmatch.training.metric_files import read_metrics
from semmatch.training.metric_files import write_json
from semmatch.training.metric_files import write_metrics


def test_both_files_have_every_figure(tmp_path):
    rows = [
        {"epoch": 1, "loss": 0.1 + 0.2},
        {"epoch": 2, "loss": 1e-9, "val_loss": math.inf},
    ]
    write_metrics(tmp_path, rows)
    with open(tmp_path / "metrics.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["epoch", "loss", "val_loss"]
    assert float(table[0]["loss"]) == 0.1 + 0.2
    assert table[0]["val_loss"] == ""
    assert read_metrics(tmp_path) == [
        rows[0],
        {"epoch": 2, "loss": 1e-9, "val_loss": None},
    ]
    write_metrics(tmp_path, rows[:1])
    assert read_metrics(tmp_path) == rows[:1]


def test_where_nobody_wrote_there_are_none(tmp_path):
    assert read_metrics(tmp_path / "nowhere") == []


def test_what_json_does_not_have_is_null(tmp_path):
    record = {"a": [math.nan, {"b": -math.inf}], "c": "借", "d": 1}
    assert finite(record) == {"a": [None, {"b": None}], "c": "借", "d": 1}
    write_json(tmp_path / "x.json", record)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(text) == finite(record)
    assert "借" in text
