"""Fine-tunes a cross-encoder on QA_corpus and prints what it reaches.

    python benchmarks/qa_corpus.py --preset ../shared/models/e5-small-zh \
        --num-layers 4 --epochs 2

A training is written epoch by epoch to `--out`, and a run that was cut is
taken up at its last whole epoch when the command is given again. The epoch
is chosen on valid; test is read once, at the end. Each model is exported, as
float32 and as int8, and its `Matcher` is compared with it on all test pairs.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import keras
import numpy as np
from plain_path import keras_adamw
from plain_path import use_keras_operations

from semmatch import classification_report
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch import pair_dataset
from semmatch import read_pairs
from semmatch.training import AdamW
from semmatch.training import best_precision
from semmatch.training import LinearWarmup

BATCH_SIZE = 64


def main():
    options = parse_arguments()
    if options.plain:
        use_keras_operations()
    splits = {
        name: read_pairs(options.data / name)
        for name in ("train", "valid", "test")
    }
    if options.limit:
        splits["train"] = splits["train"][: options.limit]
    results = []
    for seed in options.seeds:
        out = options.out / f"seed-{seed}"
        result = read_result(out, options) or train(out, options, splits, seed)
        print_result(result)
        for quantize in (None, "int8"):
            print_deployed(out, splits["test"], quantize)
        results.append(result)
    for split in ("valid", "test"):
        accuracies = [result[split]["accuracy"] for result in results]
        print(
            f"mean {split} accuracy over seeds {options.seeds}: "
            f"{np.mean(accuracies):.4f}"
        )


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--pooling", default="mean")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--limit", type=int, help="train on the first pairs")
    parser.add_argument("--dtype", default=best_precision())
    parser.add_argument(
        "--plain", action="store_true", help="Keras's own parts"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/qa_corpus"))
    return parser.parse_args()


def prepare(options, splits, seed, **model_options):
    """The model of a training, its two datasets and its number of steps."""
    keras.utils.set_random_seed(seed)
    model = CrossEncoder.from_preset(
        options.preset,
        num_classes=1,
        num_layers=options.num_layers,
        sequence_length=options.sequence_length,
        pooling=options.pooling,
        dtype=options.dtype,
        **model_options,
    )
    dataset = pair_dataset(
        splits["train"],
        model.preprocessor,
        batch_size=BATCH_SIZE,
        shuffle=True,
        seed=seed,
    )
    valid = pair_dataset(
        splits["valid"], model.preprocessor, batch_size=256, sort=True
    )
    return model, dataset, valid, int(dataset.cardinality()) * options.epochs


def train(out, options, splits, seed):
    """Trains one seed; returns its figures, which are written to `out`."""
    model, dataset, valid, steps = prepare(options, splits, seed)
    optimizer = keras_adamw if options.plain else AdamW
    model.compile(optimizer(LinearWarmup(options.learning_rate, steps)))
    out.mkdir(parents=True, exist_ok=True)
    best = out / "best.weights.h5"
    start = time.perf_counter()
    history = model.fit(
        dataset,
        validation_data=valid,
        epochs=options.epochs,
        callbacks=[
            keras.callbacks.BackupAndRestore(out / "backup"),
            keras.callbacks.ModelCheckpoint(
                best,
                monitor="val_accuracy",
                mode="max",
                save_best_only=True,
                save_weights_only=True,
            ),
            keras.callbacks.CSVLogger(out / "log.csv", append=True),
        ],
        verbose=2,
    )
    seconds = time.perf_counter() - start
    model.load_weights(best)
    model.save_to_preset(out / "preset")
    # Figures are those of the float32 model, which is what is exported.
    model = CrossEncoder.from_preset(out / "preset", dtype="float32")
    epochs_run = len(history.history["loss"])
    result = {
        "settings": settings(options),
        "seed": seed,
        "seconds": seconds,
        "pairs_per_second": len(splits["train"]) * epochs_run / seconds,
        **{name: figures(model, splits[name]) for name in ("valid", "test")},
    }
    write_json(out / "result.json", result)
    return result


def print_deployed(out, test, quantize):
    """Exports the model and compares its `Matcher` with it."""
    model = CrossEncoder.from_preset(out / "preset", dtype="float32")
    folder = out / f"deploy-{quantize or 'float32'}"
    report = export_onnx(model, folder, quantize=quantize)
    expected = model.score(test)
    matcher = Matcher(folder)
    start = time.perf_counter()
    scores = matcher.score(test)
    seconds = time.perf_counter() - start
    accuracy = classification_report(test.label, scores).accuracy
    loss = classification_report(test.label, expected).accuracy - accuracy
    print(
        f"\n{folder.name}: test accuracy {accuracy:.4f} ({-100 * loss:+.2f} "
        "points), largest difference of a score "
        f"{np.abs(scores - expected).max():.1e}, "
        f"{report.bytes / 2**20:.1f} MiB, exported in {report.seconds:.1f} s, "
        f"{len(test) / seconds:.0f} pairs per second"
    )


def figures(model, pairs):
    report = classification_report(pairs.label, model.score(pairs))
    return report.to_dict() | {"text": str(report)}


def settings(options):
    names = ("num_layers", "epochs", "learning_rate", "sequence_length")
    chosen = {name: getattr(options, name) for name in names}
    chosen |= {"preset": options.preset.name, "dtype": options.dtype}
    chosen |= {"pooling": options.pooling, "limit": options.limit}
    chosen |= {"plain": options.plain}
    return chosen | {"processor": platform.processor() or platform.machine()}


def read_result(out, options):
    """The figures of an earlier run, if it had the same settings."""
    path = out / "result.json"
    if not path.exists():
        return None
    result = json.loads(path.read_text())
    return result if result["settings"] == settings(options) else None


def print_result(result):
    print(f"\nseed {result['seed']}: {result['settings']}")
    print(
        f"trained in {result['seconds']:.0f} s, "
        f"{result['pairs_per_second']:.1f} pairs per second"
    )
    for split in ("valid", "test"):
        print(f"\n{split}\n{result[split]['text']}")


def write_json(path, record):
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False))
    temporary.replace(path)


if __name__ == "__main__":
    main()
