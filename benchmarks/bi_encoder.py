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
from pathlib import Path

import keras
import numpy as np
from qa_corpus import write_json
from train_speed import make_peer_environment

from semmatch import BiEncoder
from semmatch import classification_report
from semmatch import pair_dataset
from semmatch import read_pairs
from semmatch.data.overlap import character_overlap
from semmatch.evaluation import choose_threshold
from semmatch.evaluation import spearman
from semmatch.losses import AnglE
from semmatch.losses import Contrastive
from semmatch.losses import CoSENT
from semmatch.losses import CosineMSE
from semmatch.losses import LossSum
from semmatch.losses import OnlineContrastive
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
    print_floor(splits, options)
    for seed in options.seeds:
        ours = {
            name: finished(name, seed, options, splits, train)
            for name in options.recipes
        }
        if options.no_peer:
            continue
        peer = finished(
            "sentence-transformers", seed, options, splits, train_peer
        )
        compare(ours["cosent"], peer, splits["test"])


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
    result["pairs_per_second"] = (
        options.epochs * len(splits["train"]) / result["seconds"]
    )
    result["valid"] = np.load(folder / "valid.npy")
    chosen = choose_threshold(
        splits["valid"].label, unit(result["valid"]), by="accuracy"
    )
    line = (
        f"{name:<22} seed {seed}: {result['pairs_per_second']:6.1f} pairs/s, "
        f"valid {chosen.accuracy:.4f} "
        f"{spearman(splits['valid'].label, result['valid']):.4f}"
    )
    if not options.valid_only:
        result["test"] = np.load(folder / "test.npy")
        result["threshold"] = chosen.value
        line += f", test {figures(splits['test'], result)}"
    print(line, flush=True)
    return result


def figures(pairs, result):
    report = classification_report(
        pairs.label, unit(result["test"]), threshold=result["threshold"]
    )
    low, high = report.accuracy_interval
    return (
        f"{report.accuracy:.4f} ({low:.4f} to {high:.4f}), Spearman "
        f"{spearman(pairs.label, result['test']):.4f}"
    )


def unit(cosines):
    """Cosines as scores in [0, 1]."""
    return (1 + np.clip(cosines, -1, 1)) / 2


def print_floor(splits, options):
    """What shared characters alone give."""
    dice = {
        name: np.array(
            [
                character_overlap(a, b)
                for a, b in zip(pairs.text_a, pairs.text_b, strict=True)
            ]
        )
        for name, pairs in splits.items()
        if name != "train"
    }
    chosen = choose_threshold(
        splits["valid"].label, dice["valid"], by="accuracy"
    )
    line = (
        f"{'character Dice':<22}: valid {chosen.accuracy:.4f} "
        f"{spearman(splits['valid'].label, dice['valid']):.4f}"
    )
    if not options.valid_only:
        decided = dice["test"] >= chosen.value
        line += (
            f", test {np.mean(decided == splits['test'].label):.4f}, Spearman "
            f"{spearman(splits['test'].label, dice['test']):.4f}"
        )
    print(line, flush=True)


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
    python = options.peer_python or make_peer_environment()
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
    threads = str(os.cpu_count())
    subprocess.run(
        list(map(str, command)),
        env=os.environ | {"OMP_NUM_THREADS": threads},
        check=True,
    )
    (folder / "texts.json").unlink()
    return json.loads((folder / "seconds.json").read_text())


def compare(ours, peer, pairs):
    """Speeds as a ratio, and paired tests of the figures on test."""
    ratio = ours["pairs_per_second"] / peer["pairs_per_second"]
    print(f"semmatch trains {ratio:.2f} times as fast")
    right, theirs = (
        (unit(one["test"]) >= one["threshold"]) == pairs.label
        for one in (ours, peer)
    )
    only_ours, only_theirs = (right & ~theirs).sum(), (theirs & ~right).sum()
    print(
        f"right where the other is wrong: semmatch {only_ours}, "
        f"sentence-transformers {only_theirs}"
    )


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
    return parser.parse_args()


if __name__ == "__main__":
    main()
