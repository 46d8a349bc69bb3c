"""Figures of epochs for people and for programs."""

import csv
import json
import math
import os

import pytest

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


def test_files_are_on_the_disk_before_they_have_their_names(
    tmp_path, monkeypatch
):
    calls, fsync, replace = [], os.fsync, os.replace

    def note_fsync(descriptor):
        fsync(descriptor)
        calls.append(os.fstat(descriptor).st_size)

    def note_replace(source, target):
        replace(source, target)
        calls.append(target.name)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_metrics(tmp_path, [{"epoch": 1}])
    write_json(tmp_path / "run.json", {})
    sizes = [len("epoch\n1\n"), len('{"epoch": 1}\n'), len("{}\n")]
    names = ["metrics.csv", "metrics.jsonl", "run.json"]
    assert calls == [
        call for pair in zip(sizes, names, strict=True) for call in pair
    ]


@pytest.mark.parametrize("torn", [b'{"epoch": 2, "lo', b"\0\0\0\0", b"\xff"])
def test_a_line_that_is_no_json_is_named(tmp_path, torn):
    write_metrics(tmp_path, [{"epoch": 1}])
    with open(tmp_path / "metrics.jsonl", "ab") as file:
        file.write(torn)
    message = (
        f"{tmp_path / 'metrics.jsonl'}, line 2 must be JSON, the figures of "
        "an epoch: .* Delete the line, or give `RunFolder` another folder"
    )
    with pytest.raises(ValueError, match=message):
        read_metrics(tmp_path)
