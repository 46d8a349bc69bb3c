"""Shows that the fast training step trains what Keras's own parts train.

    python benchmarks/fast_path.py --preset ../shared/models/e5-small-zh \
        --num-layers 4

First the losses of the first 20 steps on QA_corpus in float32 without
dropout, by both; then, unless `--losses-only` is given, `qa_corpus.py` with
and without `--plain`: one epoch with dropout in the fastest precision, two
seeds each. A run that was cut is taken up where it was.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from plain_path import keras_adamw
from plain_path import use_keras_operations

from semmatch import CrossEncoder
from semmatch import pair_dataset
from semmatch import read_pairs
from semmatch.models import TextEncoder
from semmatch.training import AdamW

HERE = Path(__file__).resolve().parent
STEPS = 20


def main():
    options = parse_arguments()
    compare_losses(options)
    if not options.losses_only:
        compare_accuracies(options)


def parse_arguments():
    shared = HERE.parents[1] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--losses-only", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("runs/fast_path"))
    return parser.parse_args()


def compare_losses(options):
    pairs = read_pairs(options.data / "train")
    # Keras moves the vectors of words that a batch does not hold.
    fast = losses(options, pairs, AdamW(1e-4, lazy=False))
    lazy = losses(options, pairs, AdamW(1e-4))
    use_keras_operations()
    optimizer = keras_adamw(1e-4)
    apply = optimizer.apply
    # Keras takes the norm and the squares of rows that stand in a batch
    # several times before it adds them up.
    optimizer.apply = lambda gradients, variables: apply(
        [tf.convert_to_tensor(gradient) for gradient in gradients], variables
    )
    plain = losses(options, pairs, optimizer)
    print(f"{'step':>4} {'plain':>10} {'fast':>10} {'lazy too':>10}")
    for step in range(STEPS):
        print(f"{step:4} {plain[step]:.7f} {fast[step]:.7f} {lazy[step]:.7f}")
    for name, found in {"fast": fast, "lazy too": lazy}.items():
        largest = np.abs(np.subtract(found, plain)).max()
        print(f"largest difference, {name}: {largest:.1e}")


def losses(options, pairs, optimizer):
    """The losses of the first steps, nothing in them being random."""
    loaded = CrossEncoder.from_preset(
        options.preset, num_layers=options.num_layers, sequence_length=64
    )
    config = loaded.backbone.get_config()
    encoder = TextEncoder.from_config(
        config | {"dropout": 0.0, "attention_dropout": 0.0}
    )
    encoder.set_weights(loaded.backbone.get_weights())
    keras.utils.set_random_seed(0)
    model = CrossEncoder(
        encoder, loaded.preprocessor, pooling="mean", dropout=0.0
    )
    model.compile(optimizer)
    data = pair_dataset(pairs, model.preprocessor, shuffle=True)
    return [
        float(model.train_on_batch(features, labels)[0])
        for features, labels in data.take(STEPS)
    ]


def compare_accuracies(options):
    rows = {}
    for name, arguments in {"fast": [], "plain": ["--plain"]}.items():
        out = options.out / name
        command = [sys.executable, HERE / "qa_corpus.py", "--epochs", 1]
        command += ["--preset", options.preset, "--data", options.data]
        command += ["--out", out, "--seeds", *options.seeds, *arguments]
        if options.num_layers is not None:
            command += ["--num-layers", options.num_layers]
        subprocess.run(list(map(str, command)), check=True)
        rows[name] = [
            json.loads((out / f"seed-{seed}" / "result.json").read_text())
            for seed in options.seeds
        ]
    for name, results in rows.items():
        for split in ("valid", "test"):
            found = [result[split]["accuracy"] for result in results]
            print(
                f"{name:<6}{split:<6}"
                + " ".join(f"{accuracy:.4f}" for accuracy in found)
                + f"  mean {np.mean(found):.4f}"
            )


if __name__ == "__main__":
    main()
