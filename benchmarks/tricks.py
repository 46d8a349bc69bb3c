"""What the tricks of fine-tuning give on QA_corpus, one at a time.

    python benchmarks/tricks.py --preset ../shared/models/e5-small-zh \
        --num-layers 4

screens them: the first 20,000 pairs, one epoch, three seeds, accuracy on
valid. A recipe that was chosen so is trained at full size and read on test by

    python benchmarks/tricks.py --preset ../shared/models/e5-small-zh \
        --num-layers 4 --recipes plain r-drop-4 --limit 0 --epochs 2 \
        --seeds 0 1 --test

Each training writes its result to `--out` and is not repeated when the command
is given again; one that was cut is taken up at its last whole epoch.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from qa_corpus import prepare
from qa_corpus import write_json

from semmatch import classification_report
from semmatch import CrossEncoder
from semmatch import read_pairs
from semmatch.losses import CrossEntropy
from semmatch.losses import RDrop
from semmatch.training import AdamW
from semmatch.training import balanced_class_weight
from semmatch.training import best_precision
from semmatch.training import LinearWarmup

# What each recipe changes: arguments of `from_preset`, `AdamW`, `compile` and
# `fit`.
RECIPES = {
    "plain": {},
    "layer-decay-0.9": {"optimizer": {"layer_decay": 0.9}},
    "layer-decay-0.8": {"optimizer": {"layer_decay": 0.8}},
    "averaged-weights": {"optimizer": {"use_ema": True, "ema_momentum": 0.99}},
    "label-smoothing-0.1": {
        "compile": {"loss": CrossEntropy(label_smoothing=0.1)}
    },
    "class-weights": {"fit": {"class_weight": "balanced"}},
    "adversarial-0.5": {"compile": {"adversarial_epsilon": 0.5}},
    "r-drop-1": {"compile": {"loss": RDrop(weight=1.0)}},
    "r-drop-4": {"compile": {"loss": RDrop(weight=4.0)}},
    "5-dropouts": {"model": {"dropout_samples": 5}},
}


def main():
    options = parse_arguments()
    splits = {
        name: read_pairs(options.data / name)
        for name in ("train", "valid", "test")
    }
    if options.limit:
        splits["train"] = splits["train"][: options.limit]
    shown = ("valid", "test") if options.test else ("valid",)
    for name in options.recipes:
        results = [
            result(name, seed, options, splits, shown) for seed in options.seeds
        ]
        line = f"{name:22}"
        for split in shown:
            accuracies = [each[split]["accuracy"] for each in results]
            each = " ".join(f"{value:.4f}" for value in accuracies)
            line += f"{split} {np.mean(accuracies):.4f} ({each})   "
        seconds = np.mean([each["seconds"] for each in results])
        print(f"{line}{seconds:6.0f} s", flush=True)


def result(name, seed, options, splits, shown):
    """Figures of one training, from its file if it was made before."""
    layers = options.num_layers or "all"
    size = f"{layers}x{len(splits['train'])}x{options.epochs}"
    folder = options.out / size / f"{name}-{seed}"
    path = folder / "result.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, train(name, seed, options, splits, folder))
    figures = json.loads(path.read_text())
    if not set(shown) <= set(figures):
        model = CrossEncoder.from_preset(folder / "preset", dtype="float32")
        for split in shown:
            figures[split] = report(model, splits[split])
        write_json(path, figures)
    return figures


def train(name, seed, options, splits, folder):
    recipe = RECIPES[name]
    model, dataset, valid, steps = prepare(
        options, splits, seed, **recipe.get("model", {})
    )
    rate = LinearWarmup(options.learning_rate, steps)
    model.compile(
        AdamW(rate, **recipe.get("optimizer", {})), **recipe.get("compile", {})
    )
    arguments = dict(recipe.get("fit", {}))
    if arguments.get("class_weight") == "balanced":
        arguments["class_weight"] = balanced_class_weight(splits["train"].label)
    start = time.perf_counter()
    history = model.fit(
        dataset,
        validation_data=valid,
        epochs=options.epochs,
        callbacks=[keras.callbacks.BackupAndRestore(folder / "backup")],
        verbose=2,
        **arguments,
    )
    seconds = time.perf_counter() - start
    model.save_to_preset(folder / "preset")
    # Figures are those of the float32 model, which is what is exported.
    model = CrossEncoder.from_preset(folder / "preset", dtype="float32")
    return {
        "recipe": name,
        "seed": seed,
        "seconds": seconds,
        "history": history.history,
        "valid": report(model, splits["valid"]),
    }


def report(model, pairs):
    return classification_report(pairs.label, model.score(pairs)).to_dict()


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument(
        "--recipes", nargs="+", choices=list(RECIPES), default=list(RECIPES)
    )
    parser.add_argument(
        "--limit", type=int, default=20_000, help="first pairs; 0 for all"
    )
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--test", action="store_true", help="read test, too")
    parser.add_argument("--dtype", default=best_precision())
    parser.add_argument("--out", type=Path, default=Path("runs/tricks"))
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--pooling", default="mean")
    return parser.parse_args()


if __name__ == "__main__":
    main()
