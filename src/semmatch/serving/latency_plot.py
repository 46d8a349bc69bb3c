"""A picture of latencies; needs the `plots` extra."""

from pathlib import Path

from semmatch._folders import writing_file
from semmatch._optional import require


def plot_latency(report, path):
    """Writes a picture: milliseconds on the left, rows a second on the right.

    A line for each length, over batch sizes. On the left it is the median,
    the band reaches to the 95th percentile and the marks are the 99th. The
    file appears complete or not at all.

    Args:
        report: `LatencyReport`.
        path: str or path ending in `.png`; missing folders are made.

    Returns:
        `pathlib.Path` of the picture.

    Raises:
        ImportError: without matplotlib.
        ValueError: for another kind of file.
    """
    path = check_picture(path)
    # Not pyplot, which keeps a list of open figures for the whole process.
    figures = require("matplotlib.figure", "plots")
    canvases = require("matplotlib.backends.backend_agg", "plots")
    figure = figures.Figure(figsize=(10.5, 4.8), dpi=150, layout="constrained")
    canvas = canvases.FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for length in sorted({one.length for one in report.latencies}):
        own = [one for one in report.latencies if one.length == length]
        own.sort(key=lambda one: one.batch_size)
        _draw(left, right, length, own)
    _finish(left, f"{report.rows} of a call", "milliseconds")
    _finish(right, f"{report.rows} of a call", f"{report.rows} per second")
    left.set_title("median, to 95 % (band), 99 % (marks)", fontsize=11)
    right.set_title(report.setting, fontsize=11)
    with writing_file(path) as file:
        canvas.print_png(file)
    return path


def check_picture(path):
    """The path, if a picture can be written to it as far as its name goes.

    Args:
        path: str or path.

    Raises:
        ImportError: without matplotlib.
        ValueError: if it does not end in `.png`.

    >>> check_picture("latency.pdf")
    Traceback (most recent call last):
    ValueError: `path` must end in .png. Received: path='latency.pdf'.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(
            f"`path` must end in .png. Received: path={str(path)!r}."
        )
    require("matplotlib.figure", "plots")
    return path


def _draw(left, right, length, latencies):
    """The line of one length in both panels."""
    sizes = [one.batch_size for one in latencies]
    medians = [one.p50 for one in latencies]
    [line] = left.plot(sizes, medians, "o-", label=f"{length} tokens")
    colour = line.get_color()
    highs = [one.p95 for one in latencies]
    left.fill_between(sizes, medians, highs, color=colour, alpha=0.2)
    tails = [one.p99 for one in latencies]
    left.plot(sizes, tails, "_", color=colour, markersize=12)
    rates = [one.per_second for one in latencies]
    right.plot(sizes, rates, "o-", color=colour, label=f"{length} tokens")


def _finish(axes, across, up):
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel=across, ylabel=up)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9)
