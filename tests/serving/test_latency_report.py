"""The table and the record hold what was measured."""

import json

import pytest

from semmatch.serving.latency_report import Latency
from semmatch.serving.latency_report import LatencyReport

LATENCIES = (
    Latency(1, 16, 1.25, 2.0, 3.5, 1.0, 1.5, 3.0, 780.4),
    Latency(32, 64, 125.0, 130.75, 1400.0, 120.0, 127.0, 1390.0, 1234.5),
)


def report(kind="cross_encoder", num_threads=2):
    return LatencyReport(
        kind, "onnxruntime 1.20.0", num_threads, "x86_64", 1000, LATENCIES
    )


def test_the_table_has_a_row_for_each():
    first, second, blank, titles, *rows = str(report()).splitlines()
    assert first == "cross_encoder, onnxruntime 1.20.0, 2 threads, x86_64"
    assert second.startswith("milliseconds of 1,000 calls: from strings to sc")
    assert blank == ""
    names = "pairs x tokens p50 p95 p99 graph p50 graph p95 graph p99 pairs/s"
    assert " ".join(titles.split()) == names
    assert [" ".join(row.split()) for row in rows] == [
        "1 x 16 1.25 2.00 3.50 1.00 1.50 3.00 780",
        "32 x 64 125.00 130.75 1400.00 120.00 127.00 1390.00 1,234",
    ]


def test_texts_are_called_so():
    shown = str(report("bi_encoder", num_threads=1))
    assert "1 thread, " in shown
    assert "from strings to vectors" in shown
    assert "texts x tokens" in shown
    assert "texts/s" in shown
    assert "pairs" not in shown


def test_the_record_is_the_report_as_json():
    record = json.loads(json.dumps(report().to_dict()))
    assert record["kind"] == "cross_encoder"
    assert record["num_threads"] == 2
    assert record["repeats"] == 1000
    assert [Latency(**one) for one in record["latencies"]] == list(LATENCIES)
    again = {**record, "latencies": LATENCIES}
    assert LatencyReport(**again) == report()


def test_the_picture_is_written(tmp_path):
    pytest.importorskip("matplotlib")
    path = report().plot(tmp_path / "latency.png")
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
