"""Trains bi-encoders on QA_corpus, beside sentence-transformers.

    python benchmarks/bi_encoder.py --preset ../shared/models/e5-small-zh \
        --num-layers 4

trains with CoSENT and then sentence-transformers with its own, in one run: the
same checkpoint, rows, epochs, batch, rate and precision. Accuracies are at the
threshold that is best on valid; differences have a paired test. The peer runs
in a virtual environment made under `runs/peers`, or in `--peer-python`.

    python benchmarks/bi_encoder.py --preset ../shared/models/e5-small-zh \
        --num-layers 4 --no-peer --limit 20000 --epochs 1 --valid-only \
        --recipes cosent angle contrastive softmax

screens what a recipe gives. Each training writes its result to `--out` and is
not repeated; one that was cut is taken up at its last whole epoch.
"""

import argparse
import json
import os
import subprocess
import time
import types
from pathlib import Path

import keras
import numpy as np
from processes import sentence_transformers_python
from processes import with_threads
from qa_corpus import write_json

from semmatch import BiEncoder
from semmatch import pair_dataset
from semmatch import read_pairs
from semmatch import Scoring
from semmatch.evaluation import choose_threshold
from semmatch.evaluation import compare
from semmatch.evaluation import compare_correlations
from semmatch.evaluation import evaluate_pairs
from semmatch.losses import AnglE
from semmatch.losses import Contrastive
from semmatch.losses import CoSENT
from semmatch.losses import CosineMSE
from semmatch.losses import LossSum
from semmatch.losses import OnlineContrastive
from semmatch.serving import CharacterOverlap
from semmatch.training import AdamW
from semmatch.training import best_precision
from semmatch.training import LinearWarmup

HERE = Path(__file__).resolve().parent

# What each recipe changes: arguments of `from_preset` and `compile`.
RECIPES = {
    "cosent": {},
    "cosent-10": {"compile": {"loss": CoSENT(scale=10.0)}},
    "cosent-40": {"compile": {"loss": CoSENT(scale=40.0)}},
    "angle": {"compile": {"loss": AnglE()}},
    "cosent+angle": {"compile": {"loss": LossSum([CoSENT(), AnglE()])}},
    "contrastive": {"compile": {"loss": Contrastive()}},
    "online-contrastive": {"compile": {"loss": OnlineContrastive()}},
    "cosine-mse": {"compile": {"loss": CosineMSE()}},
    "softmax": {"model": {"pair_classes": 2}},
    "cls": {"model": {"pooling": "cls"}},
    "first-last": {"model": {"pooling": "first_last"}},
    "attention": {"model": {"pooling": "attention"}},
    "adversarial-0.5": {"compile": {"adversarial_epsilon": 0.5}},
}


def main():
    options = parse_arguments()
    splits = {
        name: read_pairs(options.data / name)
        for name in ("train", "valid", "test")
    }
    if options.limit:
        splits["train"] = splits["train"][: options.limit]
    print_row("character Dice", floor(splits), splits, options)
    for seed in options.seeds:
        ours = {
            name: finished(name, seed, options, splits, train)
            for name in options.recipes
        }
        if not options.no_peer:
            name = "sentence-transformers"
            peer = finished(name, seed, options, splits, train_peer)
            print_comparison(ours["cosent"], peer, splits, options)


class Similarities:
    """Stored cosines of valid and test, as a model that gives them."""

    def __init__(self, valid, test, pairs):
        self.stored = {"valid": valid, "test": test}
        scores = self.unit(valid)
        chosen = choose_threshold(pairs.label, scores, by="accuracy")
        self.scoring = Scoring("cosine", threshold=chosen.value)

    def of(self, split):
        """What `compare` and others call for scores of this split."""
        return types.SimpleNamespace(
            scoring=self.scoring,
            score=lambda pairs: self.unit(self.stored[split]),
        )

    @staticmethod
    def unit(cosines):
        """As scores in [0, 1], in the order of the cosines."""
        return Scoring("cosine").scores(np.asarray(cosines)[:, None])


def finished(name, seed, options, splits, work):
    """The figures of a training, from its folder if it was made before."""
    size = f"{options.num_layers or 'all'}x{len(splits['train'])}"
    rate = f"{options.epochs}x{options.learning_rate:g}"
    folder = options.out / f"{size}x{rate}" / f"{name}-{seed}"
    if not (folder / "result.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        seconds = work(name, seed, options, splits, folder)
        write_json(folder / "result.json", {"seconds": seconds})
    result = json.loads((folder / "result.json").read_text())
    speed = options.epochs * len(splits["train"]) / result["seconds"]
    model = Similarities(
        np.load(folder / "valid.npy"),
        np.load(folder / "test.npy"),
        splits["valid"],
    )
    print_row(f"{name}, seed {seed}", model, splits, options, speed)
    return model, speed


def print_row(name, model, splits, options, speed=None):
    line = f"{name:<32}" + (f"{speed:6.1f} pairs/s" if speed else " " * 14)
    for split in ("valid",) if options.valid_only else ("valid", "test"):
        report = evaluate_pairs(model.of(split), splits[split])
        low, high = report.intervals["accuracy"]
        line += (
            f"   {split} {report.accuracy:.4f} ({low:.4f} to {high:.4f}), "
            f"Spearman {report.spearman:.4f}"
        )
    print(line, flush=True)


def floor(splits):
    """What shared characters alone give."""
    dice = CharacterOverlap()
    valid, test = (
        dice.logits(splits[name])[:, 0] for name in ("valid", "test")
    )
    return Similarities(valid, test, splits["valid"])


def train(name, seed, options, splits, folder):
    """Trains ours; returns its seconds and writes the cosines."""
    recipe = RECIPES[name]
    keras.utils.set_random_seed(seed)
    model = BiEncoder.from_preset(
        options.preset,
        num_layers=options.num_layers,
        sequence_length=options.sequence_length,
        dtype=options.dtype,
        **recipe.get("model", {}),
    )
    start = time.perf_counter()
    dataset = pair_dataset(
        splits["train"],
        model.preprocessor,
        batch_size=options.batch_size,
        shuffle=True,
        seed=seed,
    )
    steps = int(dataset.cardinality()) * options.epochs
    model.compile(
        AdamW(LinearWarmup(options.learning_rate, steps)),
        **recipe.get("compile", {}),
    )
    model.fit(
        dataset,
        epochs=options.epochs,
        callbacks=[keras.callbacks.BackupAndRestore(folder / "backup")],
        verbose=2,
    )
    seconds = time.perf_counter() - start
    model.save_to_preset(folder / "preset")
    # Figures are those of the float32 model, which is what is exported.
    model = BiEncoder.from_preset(folder / "preset", dtype="float32")
    for split in ("valid", "test"):
        cosines = model.pair_scorer().logits(splits[split])[:, 0]
        np.save(folder / f"{split}.npy", cosines)
    return seconds


def train_peer(name, seed, options, splits, folder):
    """As `train`, by sentence-transformers in its own Python."""
    python = options.peer_python or sentence_transformers_python()
    texts = {
        split: [list(p.text_a), list(p.text_b), p.label.tolist()]
        for split, p in splits.items()
    }
    (folder / "texts.json").write_text(json.dumps(texts))
    command = [python, HERE / "peer_bi_encoder.py", "--folder", folder]
    command += ["--seed", seed]
    for option in ("preset", "num_layers", "batch_size", "sequence_length"):
        if getattr(options, option) is not None:
            command += [
                f"--{option.replace('_', '-')}",
                getattr(options, option),
            ]
    command += ["--epochs", options.epochs, "--rate", options.learning_rate]
    if "bfloat16" in options.dtype:
        command.append("--bf16")
    subprocess.run(
        list(map(str, command)),
        env=with_threads(len(os.sched_getaffinity(0))),
        check=True,
    )
    (folder / "texts.json").unlink()
    return json.loads((folder / "seconds.json").read_text())


def print_comparison(ours, peer, splits, options):
    """Speeds as a ratio, and paired tests of the figures."""
    (model, speed), (other, other_speed) = ours, peer
    print(f"semmatch trains {speed / other_speed:.2f} times as fast")
    split = "valid" if options.valid_only else "test"
    pair = model.of(split), other.of(split)
    print(f"a: semmatch, b: sentence-transformers, {split}")
    print(compare(*pair, splits[split]))
    print(compare_correlations(*pair, splits[split]))


def parse_arguments():
    shared = HERE.parents[1] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument(
        "--recipes", nargs="+", choices=list(RECIPES), default=["cosent"]
    )
    parser.add_argument("--limit", type=int, help="train on the first pairs")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--dtype", default=best_precision())
    parser.add_argument("--valid-only", action="store_true")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/bi_encoder"))
    options = parser.parse_args()
    if not options.no_peer and "cosent" not in options.recipes:
        parser.error("the peer is compared with the recipe cosent: name it too")
    return options


if __name__ == "__main__":
    main()
