"""Peak memory and time of a training step, with what saves memory.

    python benchmarks/train_memory.py --num-layers 12 --length 128

Each row is a process of its own that trains a model of e5-small-zh's shape on
batches of random tokens, dropout on. Memory is that of the process, and what
of it came on top of the process with the model loaded. The last column is the
norm of the difference of the gradients of one batch from those of the first
row, as a share of their norm, computed in float32 from the same seeds.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from processes import reading

ROWS = {
    "as it is": {},
    "activation checkpointing": {"activation_checkpointing": True},
    "micro-batches of 16": {"micro_batch_size": 16},
    "both": {"activation_checkpointing": True, "micro_batch_size": 16},
}


def main():
    options = parse_arguments()
    if options.row is not None:
        measure_row(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        expected = Path(folder) / "expected.npy"
        run("as it is", options, "--gradients", expected)
        for name, settings in ROWS.items():
            figures = run(name, options)
            # Parts of a batch draw other dropouts than the whole.
            if "micro_batch_size" not in settings:
                path = Path(folder) / "gradients.npy"
                run(name, options, "--gradients", path)
                figures["apart"] = apart(path, expected)
            print_row(name, figures)


def run(name, options, *arguments):
    """The figures that a process prints as its last line."""
    command = [sys.executable, __file__, "--row", name, *arguments]
    for option in ("num_layers", "length", "batch_size", "steps", "threads"):
        command += [f"--{option.replace('_', '-')}", getattr(options, option)]
    if options.dtype is not None:
        command += ["--dtype", options.dtype]
    return reading(command, options.threads)


def apart(path, expected):
    import numpy as np

    gradients, expected = np.load(path), np.load(expected)
    return float(
        np.linalg.norm(gradients - expected) / np.linalg.norm(expected)
    )


def print_row(name, figures):
    apart = figures.get("apart")
    print(
        f"{name:<26}{figures['peak_mib']:8.0f} MiB peak"
        f"{figures['training_mib']:8.0f} MiB of training"
        f"{figures['seconds']:8.2f} s a step"
        + ("" if apart is None else f"   gradients {apart:.0e} apart"),
        flush=True,
    )


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--num-layers", type=int, default=12)
    parser.add_argument("--length", type=int, default=128, help="tokens")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5, help="after the first")
    parser.add_argument("--dtype", help="None: best_precision()")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--row", choices=ROWS, help="of one process")
    parser.add_argument("--gradients", type=Path, help="a file to write")
    return parser.parse_args()


def measure_row(options):
    """Trains in this process and prints its figures."""
    import keras
    import numpy as np

    from semmatch import CrossEncoder
    from semmatch.models import TextEncoder
    from semmatch.training import best_precision

    keras.utils.set_random_seed(0)
    encoder = TextEncoder(
        vocabulary_size=30_000,
        num_layers=options.num_layers,
        num_heads=12,
        hidden_dim=384,
        intermediate_dim=1536,
        num_segments=0,
        dtype="float32"
        if options.gradients
        else options.dtype or best_precision(),
    )
    model = CrossEncoder(encoder, pooling="mean")
    shape = options.batch_size, options.length
    ids = np.random.default_rng(0).integers(1, 30_000, shape).astype("int32")
    features = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    labels = np.arange(options.batch_size) % 2
    loaded_mib = resident_mib()
    if options.gradients:
        model.compile(keras.optimizers.SGD(100.0), **ROWS[options.row])
        before = flat(model.trainable_variables)
        model.train_on_batch(features, labels)
        np.save(options.gradients, before - flat(model.trainable_variables))
        print(json.dumps({}))
        return
    model.compile(**ROWS[options.row])
    model.train_on_batch(features, labels)
    seconds = []
    for _ in range(options.steps):
        start = time.perf_counter()
        model.train_on_batch(features, labels)
        seconds.append(time.perf_counter() - start)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "peak_mib": peak_mib,
        "training_mib": peak_mib - loaded_mib,
        "seconds": statistics.median(seconds),
    }
    print(json.dumps(figures))


def flat(variables):
    import numpy as np

    return np.concatenate([x.numpy().ravel() for x in variables])


def resident_mib():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
