"""The picture shows the report's figures and leaves nothing else behind."""

import sys

import numpy as np
import pytest

from semmatch.serving.latency_plot import plot_latency
from semmatch.serving.latency_report import Latency
from semmatch.serving.latency_report import LatencyReport

# Not in the order in which lines are drawn.
LATENCIES = (
    Latency(8, 40, 9.0, 9.5, 12.0, 8.0, 8.4, 11.0, 870.0),
    Latency(1, 40, 2.0, 2.5, 3.0, 1.8, 2.2, 2.8, 480.0),
    Latency(1, 16, 1.0, 1.25, 1.5, 0.9, 1.1, 1.4, 950.0),
    Latency(8, 16, 4.0, 4.5, 5.0, 3.6, 4.1, 4.6, 1900.0),
)


def report(kind="cross_encoder"):
    return LatencyReport(
        kind, "onnxruntime 1.20.0", 2, "x86_64", 100, LATENCIES
    )


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws a report and gives the two panels that were written."""
    backend = pytest.importorskip("matplotlib.backends.backend_agg")
    written = []
    print_png = backend.FigureCanvasAgg.print_png

    def remember(canvas, *args, **kwargs):
        written.append(canvas.figure)
        return print_png(canvas, *args, **kwargs)

    monkeypatch.setattr(backend.FigureCanvasAgg, "print_png", remember)

    def draw(report):
        plot_latency(report, tmp_path / "latency.png")
        return written[-1].axes

    return draw


def test_a_readable_png_is_written_and_nothing_else(tmp_path):
    image = pytest.importorskip("matplotlib.image")
    path = plot_latency(report(), str(tmp_path / "new" / "latency.png"))
    assert path == tmp_path / "new" / "latency.png"
    pixels = image.imread(path)
    assert pixels.shape[:2] >= (600, 1200)
    assert pixels.std() > 0.05  # not an empty sheet
    assert [entry.name for entry in path.parent.iterdir()] == ["latency.png"]


def test_each_length_is_a_line_of_medians_and_one_of_rates(drawn):
    left, right = drawn(report())
    medians = {
        line.get_label(): line.get_xydata().tolist()
        for line in left.lines
        if not line.get_label().startswith("_")
    }
    assert medians == {
        "16 tokens": [[1, 1.0], [8, 4.0]],
        "40 tokens": [[1, 2.0], [8, 9.0]],
    }
    tails = [
        line.get_ydata() for line in left.lines if line.get_marker() == "_"
    ]
    assert list(map(list, tails)) == [[1.5, 5.0], [3.0, 12.0]]
    rates = {
        line.get_label(): line.get_xydata().tolist() for line in right.lines
    }
    assert rates == {
        "16 tokens": [[1, 950], [8, 1900]],
        "40 tokens": [[1, 480], [8, 870]],
    }


def test_the_band_reaches_to_95_percent(drawn):
    left, _ = drawn(report())
    bands = [band.get_paths()[0].vertices[:, 1] for band in left.collections]
    assert [(ends.min(), ends.max()) for ends in bands] == [(1, 4.5), (2, 9.5)]


def test_the_panels_say_what_they_show(drawn):
    left, right = drawn(report())
    assert right.get_title() == "onnxruntime 1.20.0, 2 threads"
    assert (left.get_ylabel(), right.get_ylabel()) == (
        "milliseconds",
        "pairs per second",
    )
    left, right = drawn(report("bi_encoder"))
    assert left.get_xlabel() == "texts of a call"
    assert right.get_ylabel() == "texts per second"
    assert np.isclose(left.get_ylim()[0], 0)


def test_another_kind_of_file_is_refused(tmp_path):
    message = "`path` must end in .png. Received: path=.*a.pdf"
    with pytest.raises(ValueError, match=message):
        plot_latency(report(), tmp_path / "a.pdf")
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    class NoMatplotlib:
        @staticmethod
        def find_spec(name, path, target=None):
            if name.partition(".")[0] == "matplotlib":
                raise ModuleNotFoundError(f"No module {name!r}", name=name)

    for name in [name for name in sys.modules if "matplotlib" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoMatplotlib, *sys.meta_path])
    with pytest.raises(ImportError, match=r"semmatch\[plots\]"):
        plot_latency(report(), tmp_path / "a.png")
