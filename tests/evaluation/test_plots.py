"""The picture shows the report and leaves nothing else behind."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from semmatch.evaluation import average_precision
from semmatch.evaluation import plot_report

LABELS = np.array([0, 0, 0, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.5, 0.2, 0.9, 0.4, 0.8, 0.5])


class NoMatplotlib:
    """Finds modules as where matplotlib is not installed."""

    @staticmethod
    def find_spec(name, path, target=None):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module {name!r}", name=name)


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws a report and gives the figure that was written."""
    backend = pytest.importorskip("matplotlib.backends.backend_agg")
    written = []
    print_png = backend.FigureCanvasAgg.print_png

    def remember(canvas, *args, **kwargs):
        written.append(canvas.figure)
        return print_png(canvas, *args, **kwargs)

    monkeypatch.setattr(backend.FigureCanvasAgg, "print_png", remember)

    def draw(**options):
        plot_report(LABELS, SCORES, tmp_path / "report.png", **options)
        return written[-1]

    return draw


def test_a_readable_png_is_written_and_nothing_else(tmp_path):
    image = pytest.importorskip("matplotlib.image")
    path = plot_report(LABELS, SCORES, str(tmp_path / "new" / "report.png"))
    assert path == tmp_path / "new" / "report.png"
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = image.imread(path)
    assert pixels.shape[0] >= 600
    assert pixels.shape[1] >= 1200
    assert pixels.std() > 0.05  # not an empty sheet
    assert [entry.name for entry in path.parent.iterdir()] == ["report.png"]


def test_the_confusion_panel_shows_counts_and_row_percent(drawn):
    texts = [text.get_text() for text in drawn().axes[0].texts]
    # At 0.5: [[2, 1], [1, 3]] of 3 negatives and 4 positives.
    assert texts[::2] == ["2", "1", "1", "3"]
    assert [text.split()[0] for text in texts[1::2]] == [
        "66.7%",
        "33.3%",
        "25.0%",
        "75.0%",
    ]


def test_the_curve_encloses_the_average_precision(drawn):
    curve = drawn().axes[1].lines[0]
    recall, precision = curve.get_data()
    assert curve.get_drawstyle() == "steps-pre"
    area = np.sum(np.diff(recall) * precision[1:])
    expected = average_precision(LABELS, SCORES)
    assert area == pytest.approx(expected)
    assert f"{expected:.4f}" in curve.get_label()


def test_the_threshold_point_and_the_base_rate_are_drawn(drawn):
    _, point, base_rate = drawn(threshold=0.6).axes[1].lines
    # At 0.6 two are called positive, both rightly, of four.
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (0.5, 1.0)
    assert "threshold 0.6" in point.get_label()
    assert list(base_rate.get_ydata()) == [4 / 7, 4 / 7]


def test_the_title_is_optional(drawn):
    assert drawn(title="RBT4 on valid").get_suptitle() == "RBT4 on valid"
    assert drawn().get_suptitle() == ""


def test_a_failure_leaves_the_old_picture_and_no_temporary(
    tmp_path, monkeypatch
):
    backend = pytest.importorskip("matplotlib.backends.backend_agg")
    path = tmp_path / "report.png"
    path.write_bytes(b"old")

    def fail(canvas, target):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(backend.FigureCanvasAgg, "print_png", fail)
    with pytest.raises(OSError, match="disk full"):
        plot_report(LABELS, SCORES, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_pyplot_is_never_imported(tmp_path):
    pytest.importorskip("matplotlib")
    code = (
        "import sys; from semmatch.evaluation import plot_report; "
        "assert 'matplotlib' not in sys.modules; "
        f"plot_report([0, 1], [0.2, 0.7], {str(tmp_path / 'a.png')!r}); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert output.strip() == "False"


def test_threads_may_draw_at_once(tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    threads = [
        threading.Thread(target=plot_report, args=(LABELS, SCORES, path))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path.read_bytes() for path in paths}) == 1


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if "matplotlib" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoMatplotlib, *sys.meta_path])
    with pytest.raises(ImportError, match=r"semmatch\[plots\]"):
        plot_report(LABELS, SCORES, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("labels", "scores", "name", "message"),
    [
        ([0, 1], [0.1, 0.9], "a.pdf", "must end in .png. Received: path="),
        ([1, 1], [0.1, 0.9], "a.png", "expects examples of both classes"),
        ([0, 2], [[0.1, 0.2, 0.7]] * 2, "a.png", r"in \[0, 2\)"),
        ([0, 1], [[0.1, 0.2, 0.7]] * 2, "a.png", "one score for each example"),
    ],
)
def test_a_picture_is_refused(tmp_path, labels, scores, name, message):
    with pytest.raises(ValueError, match=message):
        plot_report(labels, scores, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
