"""Pictures of a classifier's figures; needs the `plots` extra."""

import os
import tempfile
from pathlib import Path

from semmatch._optional import require
from semmatch.evaluation.classification import precision_recall_curve
from semmatch.evaluation.report import classification_report

CURVE_COLOUR = "#1f5fa8"
POINT_COLOUR = "#c8452c"
QUIET_COLOUR = "#767676"


def plot_report(labels, scores, path, *, threshold=0.5, title=None):
    """Writes a picture of the confusion matrix and the precision-recall curve.

    The file appears complete or not at all, and nothing of matplotlib's
    global state is touched: notebooks and threads may go on drawing.

    Args:
        labels: 0 or 1, `(n,)`.
        scores: floats `(n,)`, larger for the positive class.
        path: str or path ending in `.png`; missing folders are made.
        threshold: float; a score of at least this counts as positive.
        title: str above both panels; matplotlib's default font has no
            Chinese characters.

    Returns:
        `pathlib.Path` of the picture.

    >>> path = plot_report([0, 1], [0.2, 0.7], "a.pdf")
    Traceback (most recent call last):
    ValueError: `path` must end in .png. Received: path='a.pdf'.

    Raises:
        ImportError: without matplotlib.
        ValueError: for another kind of file, or as `average_precision`.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(
            f"`path` must end in .png. Received: path={str(path)!r}."
        )
    curve = precision_recall_curve(labels, scores)
    report = classification_report(labels, scores, threshold=threshold)
    # Not pyplot, which keeps a list of open figures for the whole process.
    figures = require("matplotlib.figure", "plots")
    canvases = require("matplotlib.backends.backend_agg", "plots")
    figure = figures.Figure(figsize=(10.5, 4.8), dpi=150, layout="constrained")
    canvas = canvases.FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    _draw_confusion(left, report)
    _draw_curve(right, report, curve)
    if title is not None:
        figure.suptitle(title, fontsize=13, fontweight="bold")
    _write(canvas, path)
    return path


def _draw_confusion(axes, report):
    shares = report.confusion / report.support[:, None]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = shares[row, column]
        # White on the dark half of the colours, black on the light one.
        colour = "white" if share > 0.55 else "black"
        axes.text(
            column,
            row - 0.06,
            f"{report.confusion[row, column]:,}",
            color=colour,
            fontsize=18,
            ha="center",
            va="center",
        )
        axes.text(
            column,
            row + 0.14,
            f"{share:.1%} of true {report.class_names[row]}",
            color=colour,
            fontsize=9,
            ha="center",
            va="center",
        )
    axes.set_xticks([0, 1], report.class_names)
    axes.set_yticks([0, 1], report.class_names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.axhline(0.5, color="white", linewidth=3)
    axes.axvline(0.5, color="white", linewidth=3)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(
        f"accuracy {report.accuracy:.4f} at threshold {report.threshold:g}",
        fontsize=11,
    )


def _draw_curve(axes, report, curve):
    # Steps, since the area of average precision is one of steps: each gain
    # in recall is made at the precision of the point where it ends.
    recall = [0.0, *curve.recall]
    precision = [curve.precision[0], *curve.precision]
    axes.plot(
        recall,
        precision,
        drawstyle="steps-pre",
        color=CURVE_COLOUR,
        label=f"average precision {report.average_precision:.4f}",
    )
    axes.plot(
        report.recall[1],
        report.precision[1],
        "o",
        color=POINT_COLOUR,
        label=(
            f"threshold {report.threshold:g}: "
            f"precision {report.precision[1]:.3f}, "
            f"recall {report.recall[1]:.3f}"
        ),
        clip_on=False,
        zorder=3,
    )
    base_rate = report.support[1] / report.support.sum()
    axes.axhline(
        base_rate,
        color=QUIET_COLOUR,
        linestyle="--",
        linewidth=1,
        label=f"base rate {base_rate:.3f}",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", fontsize=9, framealpha=0.9)
    axes.set_title(f"precision and recall, AUC {report.auc:.4f}", fontsize=11)


def _write(canvas, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, since a rename must stay on one disk.
    with tempfile.TemporaryDirectory(
        prefix=f".{path.name}-", dir=path.parent
    ) as folder:
        temporary = Path(folder) / path.name
        canvas.print_png(temporary)
        os.replace(temporary, path)
