"""Teaches a small model what a big cross-encoder says of QA_corpus.

    python benchmarks/distill.py --preset ../shared/models/e5-small-zh \
        --teacher ../shared/models/e5-small-zh-qa --num-layers 4 --seeds 0 1

trains the student alone and distilled, of the same layers, rows, epochs, rate
and batch, and prints both beside the teacher, on valid and on test, with a
paired test and the share of the gap that is closed. The teacher scores all
pairs once, into a file under `--out`.

    python benchmarks/distill.py --preset ../shared/models/e5-small-zh \
        --teacher ../shared/models/e5-small-zh-qa --num-layers 4 \
        --limit 20000 --epochs 1 --valid-only --recipes alone kd-2 kd-4

screens recipes on valid,

    python benchmarks/distill.py --preset ../shared/models/e5-small-zh \
        --teacher ../shared/models/e5-small-zh-qa --num-layers 4 \
        --limit 6400 --epochs 1 --valid-only --recipes alone kd-4 online

shows what a stored and a running teacher cost (give it the machine alone),

    python benchmarks/distill.py --preset ../shared/models/e5-small-zh \
        --teacher ../shared/models/e5-small-zh-qa --num-layers 4 \
        --student bi-encoder --recipes alone order cosine

has it teach vectors, whose accuracy is at the threshold that is best on valid,

    python benchmarks/distill.py --preset ../shared/models/e5-small-zh \
        --teacher ../shared/models/e5-small-zh-qa --num-layers 2 \
        --hidden-dim 128 --learning-rate 5e-4 --recipes alone augmented

a student of fresh, narrower blocks; what each costs to serve is drawn by
`benchmarks/frontier.py`. Each training writes its result to `--out` and is not
repeated; one that was cut is taken up at its last whole epoch.
"""

import argparse
import types
from pathlib import Path

import numpy as np
from distill_training import finished
from distill_training import load_teacher
from distill_training import RECIPES

from semmatch import read_pairs
from semmatch import Scoring
from semmatch import teacher_scores
from semmatch.evaluation import choose_threshold
from semmatch.evaluation import compare
from semmatch.evaluation import compare_correlations
from semmatch.evaluation import evaluate_pairs
from semmatch.evaluation.bootstrap import bootstrap_intervals
from semmatch.training import best_precision


def main():
    options = parse_arguments()
    splits = {
        name: read_pairs(options.data / name)
        for name in ("train", "valid", "test")
    }
    if options.limit:
        splits["train"] = splits["train"][: options.limit]
    shown = ["valid"] if options.valid_only else ["valid", "test"]
    teacher = load_teacher(options, "float32")
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "teacher-float32.npz"
    scores = {
        name: teacher_scores(teacher, splits[name], file).score(splits[name])
        for name in shown
    }
    print_row("teacher", [Stored(scores)], splits, shown)
    rows = {}
    for recipe in options.recipes:
        results = [
            finished(recipe, seed, options, splits, teacher)
            for seed in options.seeds
        ]
        # Cosines have no threshold of their own.
        chosen_on = splits["valid"] if options.student == "bi-encoder" else None
        rows[recipe] = [Stored(scores, chosen_on) for scores, _ in results]
        speeds = [speed for _, speed in results]
        print_row(recipe, rows[recipe], splits, shown, np.median(speeds))
    if "alone" in rows:
        for recipe in [recipe for recipe in rows if recipe != "alone"]:
            print_gain(recipe, rows, Stored(scores), splits, shown[-1])


class Stored:
    """Scores of valid and test, as a model that gives them.

    Args:
        scores: dict of float `(n,)`, by split.
        chosen_on: `Pairs` of valid, whose best threshold is taken; None for
            a half.
    """

    def __init__(self, scores, chosen_on=None):
        self.scores = scores
        self.scoring = Scoring("sigmoid")
        if chosen_on is not None:
            best = choose_threshold(
                chosen_on.label, scores["valid"], by="accuracy"
            )
            self.scoring = self.scoring.replace(threshold=best.value)

    def of(self, split):
        """What `compare` and others call for scores of this split."""
        return types.SimpleNamespace(
            scoring=self.scoring, score=lambda pairs: self.scores[split]
        )

    def right(self, split, label):
        """Whether each pair is judged as its label says, bool `(n,)`."""
        return (self.scores[split] >= self.scoring.threshold) == label


def print_row(name, models, splits, shown, speed=None):
    line = f"{name:20}" + (f"{speed:7.1f} pairs/s" if speed else " " * 15)
    for split in shown:
        reports = [
            evaluate_pairs(model.of(split), splits[split]) for model in models
        ]
        each = ", ".join(
            "{:.4f} ({:.4f} to {:.4f})".format(
                report.accuracy, *report.intervals["accuracy"]
            )
            for report in reports
        )
        mean = np.mean([report.accuracy for report in reports])
        spearman = np.mean([report.spearman for report in reports])
        line += f"   {split} {mean:.4f}: {each}, Spearman {spearman:.4f}"
    print(line, flush=True)


def print_gain(recipe, rows, teacher, splits, split):
    """The paired tests of each seed, and what of the gap is closed."""
    pairs = splits[split]
    for seed, (one, other) in enumerate(
        zip(rows[recipe], rows["alone"], strict=True)
    ):
        print(f"\na: {recipe}, b: alone, seed {seed}, {split}")
        print(compare(one.of(split), other.of(split), pairs))
        print(compare_correlations(one.of(split), other.of(split), pairs))
    right = {
        name: np.mean(
            [model.right(split, pairs.label) for model in models], axis=0
        )
        for name, models in {**rows, "teacher": [teacher]}.items()
    }

    def figures(drawn):
        distilled, alone, best = (
            right[name][drawn].mean() for name in (recipe, "alone", "teacher")
        )
        gap = best - alone
        return {
            "kept": distilled / best,
            "closed": (distilled - alone) / gap if gap > 0 else np.nan,
        }

    found = figures(np.arange(len(pairs)))
    intervals = bootstrap_intervals(figures, len(pairs), 2000, seed=0)
    for name, value in found.items():
        line = f"{recipe}: of the "
        line += "teacher's accuracy kept" if name == "kept" else "gap closed"
        line += f" {value:.1%}"
        # None where a resample has no gap to close.
        if intervals[name] is not None:
            low, high = intervals[name]
            line += f" (95 % interval {low:.1%} to {high:.1%})"
        print(line)


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument(
        "--student",
        choices=("cross-encoder", "bi-encoder"),
        default="cross-encoder",
    )
    parser.add_argument("--num-layers", type=int)
    parser.add_argument(
        "--hidden-dim", type=int, help="fresh blocks of this width"
    )
    parser.add_argument(
        "--recipes", nargs="+", choices=list(RECIPES), default=["alone", "kd-2"]
    )
    parser.add_argument("--limit", type=int, help="train on the first pairs")
    parser.add_argument(
        "--num-pairs", type=int, help="recombined pairs at most"
    )
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--dtype", default=best_precision())
    parser.add_argument("--valid-only", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("runs/distill"))
    options = parser.parse_args()
    if options.hidden_dim is not None and options.student == "bi-encoder":
        parser.error("--hidden-dim is of a student that is a cross-encoder")
    return options


if __name__ == "__main__":
    main()
