"""Times training on QA_corpus beside sentence-transformers' trainer.

    python benchmarks/train_speed.py --preset ../shared/models/e5-small-zh \
        --num-layers 4

Each row is a process of its own: the same checkpoint, batch and precision,
steps that warm up, then several readings of steps that count, of which the
row has the median, the least and the most. Ours warms up on a batch of each
length, since a length is compiled at its first step; the seconds of that are
in the row. The rows after the first leave one measure out or add one, so that
the table says what each of them gives. The peer runs in a virtual environment
that is made under `runs/peers`, or in the one that `--peer-python` names.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

from processes import reading
from processes import sentence_transformers_python

HERE = Path(__file__).resolve().parent
MEASURES = {
    "semmatch": "",
    "random batches": "bucketing",
    "float32": "bfloat16",
    "Keras's operations": "fused",
    "Keras's AdamW": "optimizer",
    "8 steps per execution": "single steps",
}


def main():
    options = parse_arguments()
    if options.without is not None:
        print(json.dumps(measure(options)))
        return
    rows = {}
    for name, without in MEASURES.items():
        rows[name] = run([sys.executable, __file__], options, without)
        print_row(name, rows[name], rows["semmatch"])
    if not options.no_peer:
        python = options.peer_python or sentence_transformers_python()
        command = [str(python), str(HERE / "peer_train_speed.py")]
        peer = run(command, options)
        print_row("sentence-transformers", peer, rows["semmatch"])
        ours, peers = (
            statistics.median(row["pairs_per_second"])
            for row in (rows["semmatch"], peer)
        )
        print(f"semmatch trains {ours / peers:.2f} times as fast")


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--warm-up", type=int, default=20, help="steps")
    parser.add_argument("--steps", type=int, default=40, help="of a reading")
    parser.add_argument("--readings", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--without", choices=MEASURES.values(), help="one run")
    return parser.parse_args()


def run(command, options, without=None):
    """The figures that a process prints as its last line."""
    names = ("preset", "data", "num_layers", "batch_size", "sequence_length")
    names += ("warm_up", "steps", "readings", "threads")
    for name in names:
        if getattr(options, name) is not None:
            command += [f"--{name.replace('_', '-')}", getattr(options, name)]
    if without is not None:
        command += ["--without", without]
    return reading(command, options.threads)


def print_row(name, row, first):
    readings = row["pairs_per_second"]
    share = statistics.median(readings) / statistics.median(
        first["pairs_per_second"]
    )
    print(
        f"{name:<24}{statistics.median(readings):7.1f} pairs/s "
        f"({min(readings):.1f} to {max(readings):.1f}) {share:7.2f}"
        f"{row['peak_mib']:9.0f} MiB peak {row['warm_up_seconds']:7.1f} s "
        "to warm up",
        flush=True,
    )


def measure(options):
    """Trains in this process, without one of the measures."""
    import keras
    import numpy as np
    from plain_path import keras_adamw
    from plain_path import use_keras_operations

    from semmatch import CrossEncoder
    from semmatch import pair_dataset
    from semmatch import read_pairs
    from semmatch.training import AdamW
    from semmatch.training import best_precision

    without = options.without
    if without == "fused":
        use_keras_operations()
    keras.utils.set_random_seed(0)
    model = CrossEncoder.from_preset(
        options.preset,
        num_classes=1,
        num_layers=options.num_layers,
        sequence_length=options.sequence_length,
        pooling="mean",
        dtype="float32" if without == "bfloat16" else best_precision(),
    )
    optimizer = keras_adamw if without == "optimizer" else AdamW
    model.compile(
        optimizer(1e-4),
        steps_per_execution=8 if without == "single steps" else 1,
    )
    pairs = read_pairs(options.data / "train")
    if without == "bucketing":
        pairs = pairs[np.random.default_rng(0).permutation(len(pairs))]
    dataset = pair_dataset(
        pairs,
        model.preprocessor,
        batch_size=options.batch_size,
        shuffle=without != "bucketing",
    )
    start = time.perf_counter()
    model.fit(one_batch_a_length(dataset), verbose=0)
    model.fit(dataset.take(options.warm_up), verbose=0)
    warm_up_seconds = time.perf_counter() - start
    seconds = []
    for _ in range(options.readings):
        start = time.perf_counter()
        model.fit(dataset.take(options.steps), verbose=0)
        seconds.append(time.perf_counter() - start)
    pairs_read = options.steps * options.batch_size
    return {
        "warm_up_seconds": warm_up_seconds,
        "pairs_per_second": [pairs_read / reading for reading in seconds],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def one_batch_a_length(dataset):
    import tensorflow as tf

    found = {}
    for features, labels in dataset:
        found.setdefault(features["token_ids"].shape[1], (features, labels))
    return tf.data.Dataset.from_generator(
        lambda: iter(found.values()), output_signature=dataset.element_spec
    ).apply(tf.data.experimental.assert_cardinality(len(found)))


if __name__ == "__main__":
    main()
