"""Teaches a small cross-encoder what a big one says of QA_corpus.

    python benchmarks/distill.py --preset ../shared/models/e5-small-zh \
        --teacher ../shared/models/e5-small-zh-qa --num-layers 4 --seeds 0 1

trains the student alone and distilled, of the same layers, rows, epochs, rate
and batch, and prints both beside the teacher, on valid and on test, with a
paired test and the share of the gap that is closed. The teacher scores all
pairs once, into a file under `--out`.

    python benchmarks/distill.py --preset ../shared/models/e5-small-zh \
        --teacher ../shared/models/e5-small-zh-qa --num-layers 4 \
        --limit 20000 --epochs 1 --valid-only --recipes alone kd-2 kd-4

screens recipes on valid, and

    python benchmarks/distill.py --preset ../shared/models/e5-small-zh \
        --teacher ../shared/models/e5-small-zh-qa --num-layers 4 \
        --limit 6400 --epochs 1 --valid-only --recipes alone kd-4 online

shows what a stored and a running teacher cost (give it the machine alone).
Each training writes its result to `--out` and is not repeated; one that was
cut is taken up at its last whole epoch.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from qa_corpus import write_json

from semmatch import CrossEncoder
from semmatch import distillation_dataset
from semmatch import DistillationModel
from semmatch import LayerMatch
from semmatch import pair_dataset
from semmatch import Pairs
from semmatch import read_pairs
from semmatch import Scoring
from semmatch import teacher_scores
from semmatch.data import recombine_pairs
from semmatch.evaluation import compare
from semmatch.evaluation import evaluate_pairs
from semmatch.evaluation.bootstrap import bootstrap_intervals
from semmatch.models import student_from
from semmatch.training import AdamW
from semmatch.training import best_precision
from semmatch.training import LinearWarmup

# Steps whose time says little: the first ones compile.
WARM_UP = 30

# Arguments of `DistillationModel`, and what else a recipe changes.
RECIPES = {
    "alone": None,
    "kd-1": {"temperature": 1.0},
    "kd-2": {"temperature": 2.0},
    "kd-4": {"temperature": 4.0},
    "kd-8": {"temperature": 8.0},
    "soft-1": {"temperature": 1.0, "hard_loss_weight": 0.0},
    "soft-2": {"temperature": 2.0, "hard_loss_weight": 0.0},
    "soft-4": {"temperature": 4.0, "hard_loss_weight": 0.0},
    "online": {"online": True},
    "hidden": {"online": True, "matches": [LayerMatch()]},
    "attention": {
        "online": True,
        "matches": [LayerMatch("attention", "last", "kl")],
    },
    "cut": {"temperature": 2.0, "layers": "first"},
    "uniform": {"temperature": 2.0, "layers": "uniform"},
    "augmented": {"temperature": 2.0, "augmented": True},
    "attacked": {"temperature": 2.0, "compile": {"adversarial_epsilon": 0.5}},
}
FURTHER = ("online", "layers", "augmented", "compile")


def main():
    options = parse_arguments()
    splits = {
        name: read_pairs(options.data / name)
        for name in ("train", "valid", "test")
    }
    if options.limit:
        splits["train"] = splits["train"][: options.limit]
    shown = ["valid"] if options.valid_only else ["valid", "test"]
    teacher = CrossEncoder.from_preset(
        options.teacher, sequence_length=options.sequence_length
    )
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "teacher.npz"
    scores = {
        name: teacher_scores(teacher, splits[name], file).score(splits[name])
        for name in ("train", *shown)
    }
    print_row("teacher", [scores], splits, shown)
    rows = {}
    for recipe in options.recipes:
        results = [
            finished(recipe, seed, options, splits, teacher, file)
            for seed in options.seeds
        ]
        rows[recipe] = [scores for scores, _ in results]
        speeds = [speed for _, speed in results]
        print_row(recipe, rows[recipe], splits, shown, np.median(speeds))
    if "alone" in rows:
        for recipe in rows.keys() - {"alone"}:
            print_gain(recipe, rows, scores, splits, shown[-1])


class Stored:
    """Scores as a model that gives them."""

    def __init__(self, scores):
        self.scoring = Scoring("sigmoid")
        self.scores = scores

    def score(self, pairs):
        return self.scores


def finished(recipe, seed, options, splits, teacher, file):
    """Scores of one training, made unless they are there, and its speed."""
    layers = options.num_layers or "all"
    size = f"{layers}x{len(splits['train'])}x{options.epochs}"
    folder = options.out / size / f"{recipe}-{seed}"
    if not (folder / "result.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        speed = train(recipe, seed, options, splits, teacher, file, folder)
        write_json(folder / "result.json", {"pairs_per_second": speed})
    speed = json.loads((folder / "result.json").read_text())
    scores = {
        name: np.load(folder / f"{name}.npy") for name in ("valid", "test")
    }
    return scores, speed["pairs_per_second"]


def train(recipe, seed, options, splits, teacher, file, folder):
    """Trains one student; returns its pairs a second, writes its scores."""
    keras.utils.set_random_seed(seed)
    settings = dict(RECIPES[recipe] or {})
    further = {name: settings.pop(name, None) for name in FURTHER}
    model = student = make_student(options, teacher, further["layers"])
    batches = {"batch_size": 64, "shuffle": True, "seed": seed}
    if recipe == "alone":
        train_set = pair_dataset(
            splits["train"], student.preprocessor, **batches
        )
    else:
        beside = None
        if further["online"]:
            beside = CrossEncoder.from_preset(
                options.teacher,
                sequence_length=options.sequence_length,
                dtype=options.dtype,
            )
        model = DistillationModel(beside, student, **settings)
        pairs = [splits["train"]]
        if further["augmented"]:
            more = recombine_pairs(splits["train"], seed=seed)
            pairs.append(more)
        scores = None
        if not further["online"]:
            scores = teacher_scores(teacher, _together(pairs), file)
        train_set = distillation_dataset(
            pairs, model.preprocessor, scores, **batches
        )
    steps = int(train_set.cardinality()) * options.epochs
    model.compile(
        AdamW(LinearWarmup(options.learning_rate, steps)),
        **(further["compile"] or {}),
    )
    clock = Clock()
    model.fit(
        train_set,
        epochs=options.epochs,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup"),
            clock,
        ],
        verbose=2,
    )
    student.save_to_preset(folder / "preset")
    # Figures are those of the float32 model, which is what is exported.
    student = CrossEncoder.from_preset(folder / "preset", dtype="float32")
    for split in ("valid", "test"):
        np.save(folder / f"{split}.npy", student.score(splits[split]))
    return 64 * clock.steps / clock.seconds


def make_student(options, teacher, layers):
    """Layers of the encoder that nobody trained, or of the teacher."""
    if layers is None:
        return CrossEncoder.from_preset(
            options.preset,
            num_classes=1,
            num_layers=options.num_layers,
            sequence_length=options.sequence_length,
            pooling="mean",
            dtype=options.dtype,
        )
    count = options.num_layers or teacher.backbone.num_layers
    if layers == "uniform":
        step = teacher.backbone.num_layers / count
        count = [round((place + 1) * step) - 1 for place in range(count)]
    return student_from(teacher, count, dtype=options.dtype)


class Clock(keras.callbacks.Callback):
    """The seconds of the steps after those that compile."""

    def __init__(self):
        super().__init__()
        self.seen = self.steps = 0
        self.seconds = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen > WARM_UP:
            self.steps += 1
            self.seconds += time.perf_counter() - self.start


def _together(pairs):
    return Pairs(
        [text for part in pairs for text in part.text_a],
        [text for part in pairs for text in part.text_b],
    )


def print_row(name, results, splits, shown, speed=None):
    line = f"{name:12}" + (f"{speed:7.1f} pairs/s" if speed else " " * 15)
    for split in shown:
        reports = [
            evaluate_pairs(Stored(scores[split]), splits[split])
            for scores in results
        ]
        each = ", ".join(
            "{:.4f} ({:.4f} to {:.4f})".format(
                report.accuracy, *report.intervals["accuracy"]
            )
            for report in reports
        )
        mean = np.mean([report.accuracy for report in reports])
        line += f"   {split} {mean:.4f}: {each}"
    print(line, flush=True)


def print_gain(recipe, rows, teacher, splits, split):
    """The paired tests of each seed, and what of the gap is closed."""
    label = splits[split].label
    right = {
        name: np.mean(
            [(scores[split] >= 0.5) == label for scores in results], axis=0
        )
        for name, results in {**rows, "teacher": [teacher]}.items()
    }
    for place, (one, other) in enumerate(
        zip(rows[recipe], rows["alone"], strict=True)
    ):
        found = compare(Stored(one[split]), Stored(other[split]), splits[split])
        print(f"\na: {recipe}, b: alone, seed {place}, {split}\n{found}")

    def figures(drawn):
        distilled, alone, best = (
            right[name][drawn].mean() for name in (recipe, "alone", "teacher")
        )
        gap = best - alone
        return {
            "kept": distilled / best,
            "closed": (distilled - alone) / gap if gap > 0 else np.nan,
        }

    found = figures(np.arange(len(label)))
    intervals = bootstrap_intervals(figures, len(label), 2000, seed=0)
    for name, value in found.items():
        low, high = intervals[name]
        print(
            f"{recipe}: of the teacher's accuracy kept"
            if name == "kept"
            else f"{recipe}: of the gap closed",
            f"{value:.1%} (95 % interval {low:.1%} to {high:.1%})",
        )


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument(
        "--recipes", nargs="+", choices=list(RECIPES), default=["alone", "kd-4"]
    )
    parser.add_argument("--limit", type=int, help="train on the first pairs")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--dtype", default=best_precision())
    parser.add_argument("--valid-only", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("runs/distill"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
