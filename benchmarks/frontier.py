"""What accuracy costs: models of several sizes, as they are served.

    python benchmarks/frontier.py --out runs/frontier \
        "12 layers=../shared/models/e5-small-zh-qa" \
        "4 layers, distilled=runs/distill/.../kd-2-0/preset" \
        "2 x 128, distilled=runs/distill/.../augmented-0/preset"

exports each model in int8 and prints its accuracy on test, as it is and
exported, the size of its file, and how long it takes for one pair and for 32
pairs of 40 tokens, from strings to scores; `frontier.png` draws accuracy over
the time of one pair. Give it the machine alone.
"""

import argparse
from pathlib import Path

from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch import read_pairs
from semmatch._folders import writing_file
from semmatch.evaluation import evaluate_pairs
from semmatch.serving.latency import measure_latency

LENGTH = 40
BATCH_SIZES = (1, 32)


def main():
    options = parse_arguments()
    test = read_pairs(options.data / "test")[: options.limit]
    rows = []
    for name, preset in options.models:
        model = CrossEncoder.from_preset(
            preset, sequence_length=options.sequence_length
        )
        folder = options.out / name
        export_onnx(model, folder, quantize="int8")
        matcher = Matcher(folder, num_threads=options.threads)
        report = evaluate_pairs(matcher, test)
        single, batch = measure_latency(
            matcher,
            batch_sizes=BATCH_SIZES,
            lengths=[LENGTH],
            repeats=options.repeats,
        ).latencies
        rows.append((name, report, single))
        size = (folder / "model.onnx").stat().st_size / 2**20
        low, high = report.intervals["accuracy"]
        print(
            f"{name:28} {model.count_params() / 1e6:6.1f} M   "
            f"float32 {evaluate_pairs(model, test).accuracy:.4f}   "
            f"int8 {report.accuracy:.4f} ({low:.4f} to {high:.4f})   "
            f"{size:6.1f} MiB   1 pair {single.p50:.2f} ms   "
            f"32 pairs {batch.p50:.1f} ms",
            flush=True,
        )
    plot(rows, options.out / "frontier.png")


def plot(rows, path):
    """Accuracy with its interval over the time of one pair."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    times = [single.p50 for _, _, single in rows]
    middle = (min(times) * max(times)) ** 0.5
    for name, report, single in rows:
        low, high = report.intervals["accuracy"]
        around = [[report.accuracy - low], [high - report.accuracy]]
        axes.errorbar(single.p50, report.accuracy, around, fmt="o", capsize=3)
        # Towards the middle, so that it stays within the picture.
        side, offset = ("left", 8) if single.p50 <= middle else ("right", -8)
        axes.annotate(
            name,
            (single.p50, report.accuracy),
            xytext=(offset, 4),
            textcoords="offset points",
            ha=side,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel(f"milliseconds of one pair of {LENGTH} tokens, int8")
    axes.set_ylabel("accuracy on test, 95 % interval")
    axes.grid(alpha=0.3)
    with writing_file(path) as file:
        figure.savefig(file, format="png", dpi=150)


def named_path(text):
    name, equals, path = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PRESET")
    return name, Path(path)


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "models", nargs="+", type=named_path, metavar="NAME=PRESET"
    )
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--limit", type=int, help="the first pairs alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("runs/frontier"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
