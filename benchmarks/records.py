"""Writes and reads more pairs than memory holds.

    python benchmarks/records.py --num-pairs 10000000 \
        --preset ../shared/models/e5-small-zh --num-layers 4

Synthetic pairs of Chinese texts, about 100 bytes each, go from a tsv file to
records of texts and to records of token ids, and these are read as a training
reads them: shuffled and in batches of similar length. Writing and reading are
a process each. Memory is the peak of the process, what of it came on top of
the process before its work began, and, of reading, on top of the process with
the model loaded. The training rate that readings are compared with is measured
on the same pairs, unless `--training-rate` says it.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from processes import reading
from tqdm import tqdm

CONTENTS = ("texts", "token_ids")

# Pairs that are made at once.
PART = 10_000


def main():
    options = parse_arguments()
    if options.only is not None:
        measures = {"write": write, "read": read, "train": train}
        print(json.dumps(measures[options.only](options)))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    write_pairs(options)
    size = pairs_file(options).stat().st_size
    print(f"{options.num_pairs:,} pairs, {size / 1e9:.2f} GB of text")
    rate = options.training_rate
    for content in options.contents:
        shutil.rmtree(options.out / content, ignore_errors=True)
        print_written(content, run(options, content, "write"))
        if rate is None:
            rate = run(options, content, "train")["pairs_per_second"]
            print(f"{'training':<12}{rate:12,.0f} pairs/s")
        print_read(content, run(options, content, "read"), rate)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--num-pairs", type=int, default=10_000_000)
    parser.add_argument("--out", type=Path, default=Path("runs/records"))
    parser.add_argument("--contents", nargs="+", default=CONTENTS)
    parser.add_argument("--preset", help="None: random weights, 4 x 384")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--training-rate", type=float, help="pairs a second")
    parser.add_argument("--steps", type=int, default=100, help="of training")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("write", "read", "train"))
    return parser.parse_args()


def run(options, content, only):
    """The figures that a process prints as its last line."""
    command = [sys.executable, __file__, "--only", only, "--contents", content]
    names = ("num_pairs", "out", "preset", "num_layers", "batch_size")
    names += ("sequence_length", "steps", "threads", "seed")
    for name in names:
        if getattr(options, name) is not None:
            command += [f"--{name.replace('_', '-')}", getattr(options, name)]
    return reading(command, options.threads)


def print_written(content, figures):
    print(
        f"{content:<12}{figures['pairs_per_second']:12,.0f} pairs/s written "
        f"{figures['bytes'] / 1e9:8.2f} GB {figures['peak_mib']:8.0f} MiB peak "
        f"{figures['work_mib']:8.0f} MiB above its start",
        flush=True,
    )


def print_read(content, figures, rate):
    speed = figures["pairs_per_second"]
    print(
        f"{content:<12}{speed:12,.0f} pairs/s read {speed / rate:8.1f} x the "
        f"training {figures['peak_mib']:8.0f} MiB peak "
        f"{figures['work_mib']:8.0f} MiB above its start "
        f"{figures['above_model_mib']:8.0f} MiB above the model",
        flush=True,
    )


def pairs_file(options):
    return options.out / f"pairs-{options.num_pairs}-{options.seed}.tsv"


def write_pairs(options):
    """Pairs of random texts, label 1 for those that share their beginning."""
    from semmatch import load_faq

    if pairs_file(options).exists():
        return
    random = np.random.default_rng(options.seed)
    characters = list("".join(load_faq("zh").texts("train")))
    pool = "".join(random.choice(characters, 1_000_000))
    unfinished = pairs_file(options).with_suffix(".part")
    with (
        open(unfinished, "w", encoding="utf-8") as file,
        tqdm(total=options.num_pairs, unit=" pairs") as progress,
    ):
        for start in range(0, options.num_pairs, PART):
            count = min(PART, options.num_pairs - start)
            places = random.integers(0, len(pool) - 64, (count, 2))
            sizes = random.integers(6, 27, (count, 2))
            label = random.integers(0, 2, count)
            places[:, 1] = np.where(label, places[:, 0], places[:, 1])
            rows = zip(places.tolist(), sizes.tolist(), label, strict=True)
            file.writelines(
                f"{pool[a : a + m].strip() or '还'}\t"
                f"{pool[b : b + n].strip() or '还'}\t{y}\n"
                for (a, b), (m, n), y in rows
            )
            progress.update(count)
    os.replace(unfinished, pairs_file(options))


def write(options):
    """Writes records in this process."""
    import tensorflow as tf

    from semmatch import write_records

    [content] = options.contents
    preprocessor = None
    if content == "token_ids":
        preprocessor = model_of(options).preprocessor
    tf.constant(0)
    before = start_memory()
    start = time.perf_counter()
    manifest = write_records(
        pairs_file(options),
        options.out / content,
        preprocessor=preprocessor,
        num_threads=options.threads,
    )
    seconds = time.perf_counter() - start
    return {
        "pairs_per_second": manifest.num_pairs / seconds,
        "bytes": manifest.bytes,
        "peak_mib": peak_mib(),
        "work_mib": peak_mib() - before,
    }


def read(options):
    """Reads an epoch in this process, and trains nothing."""
    before = start_memory()
    model = model_of(options)
    # A step and a vector, so that what computing takes is the model's.
    model.predict(model.preprocessor.pack(["还款"], ["还"]), verbose=0)
    loaded = start_memory()
    start = time.perf_counter()
    dataset = dataset_of(options, model)
    num_pairs = 0
    for _, labels in tqdm(dataset, unit=" batches"):
        num_pairs += len(labels)
    seconds = time.perf_counter() - start
    assert num_pairs == options.num_pairs
    return {
        "pairs_per_second": num_pairs / seconds,
        "peak_mib": peak_mib(),
        "work_mib": peak_mib() - before,
        "above_model_mib": peak_mib() - loaded,
    }


def train(options):
    """Trains some steps in this process."""
    model = model_of(options)
    model.compile()
    dataset = dataset_of(options, model)
    # Each length is compiled at its first step.
    model.fit(dataset.take(options.steps), verbose=0)
    start = time.perf_counter()
    model.fit(dataset.take(options.steps), verbose=0)
    seconds = time.perf_counter() - start
    steps = min(options.steps, len(dataset))
    return {"pairs_per_second": steps * options.batch_size / seconds}


def dataset_of(options, model):
    from semmatch import record_dataset

    [content] = options.contents
    return record_dataset(
        options.out / content,
        model.preprocessor,
        batch_size=options.batch_size,
        shuffle=True,
    )


def model_of(options):
    import keras

    from semmatch import CrossEncoder
    from semmatch import load_faq
    from semmatch import TextEncoder
    from semmatch.models import CrossEncoderPreprocessor
    from semmatch.training import best_precision

    keras.utils.set_random_seed(0)
    if options.preset is not None:
        return CrossEncoder.from_preset(
            options.preset,
            num_classes=1,
            num_layers=options.num_layers,
            sequence_length=options.sequence_length,
            pooling="mean",
            dtype=best_precision(),
        )
    preprocessor = CrossEncoderPreprocessor.from_texts(
        load_faq("zh").texts("train"), sequence_length=options.sequence_length
    )
    encoder = TextEncoder(
        vocabulary_size=preprocessor.tokenizer.vocabulary_size,
        num_layers=options.num_layers or 4,
        num_heads=12,
        hidden_dim=384,
        intermediate_dim=1536,
        dtype=best_precision(),
    )
    return CrossEncoder(encoder, preprocessor, num_classes=1, pooling="mean")


def start_memory():
    """The memory of this process in MiB, from which its peak is new."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mib()


def peak_mib():
    lines = Path("/proc/self/status").read_text().splitlines()
    [peak] = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) / 1024


if __name__ == "__main__":
    main()
