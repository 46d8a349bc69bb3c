"""Fine-tunes a cross-encoder on your pairs, as a YAML file says.

    python examples/train_cross_encoder.py --config examples/qa_corpus.yaml

Copy it into your project and change it: it is a plain Keras training script.
Settings are given in the file or, stronger, as `--set epochs=3`.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import yaml

from semmatch import classification_report
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch import pair_dataset
from semmatch import read_pairs
from semmatch.evaluation import plot_report
from semmatch.metrics import F1
from semmatch.training import AdamW
from semmatch.training import best_precision
from semmatch.training import LinearWarmup

DEFAULTS = {
    "preset": None,  # a Hugging Face BERT folder, or one of ours
    "train": None,  # what read_pairs reads
    "valid": None,
    "test": None,  # may stay empty
    "out": "runs/cross_encoder",
    "num_classes": 1,
    "num_layers": None,  # the first layers of the checkpoint; None: all
    "sequence_length": 64,  # tokens of a pair
    "pooling": None,  # cls, pooler, mean or max; None: the pooler if any
    "hidden_dim": None,  # width of a hidden layer before the logits
    "epochs": 3,
    "batch_size": 64,
    "learning_rate": 5e-5,
    "warmup": 0.1,  # share of the steps
    "patience": 1,  # epochs without a better F1 before training stops
    "precision": None,  # mixed_bfloat16 or float32; None: the fastest here
    "seed": 0,
    "quantize": "int8",  # of the deploy folder; None: float32
}


def main():
    config = read_config()
    keras.utils.set_random_seed(config["seed"])
    out = Path(config["out"])
    train, valid = read_pairs(config["train"]), read_pairs(config["valid"])
    model = CrossEncoder.from_preset(
        config["preset"],
        num_classes=config["num_classes"],
        num_layers=config["num_layers"],
        sequence_length=config["sequence_length"],
        pooling=config["pooling"],
        hidden_dim=config["hidden_dim"],
        dtype=config["precision"] or best_precision(),
    )
    dataset = pair_dataset(
        train,
        model.preprocessor,
        batch_size=config["batch_size"],
        shuffle=True,
        seed=config["seed"],
    )
    steps = len(dataset) * config["epochs"]
    rate = LinearWarmup(config["learning_rate"], steps, config["warmup"])
    f1 = F1(num_classes=max(2, config["num_classes"]))
    model.compile(AdamW(rate), metrics=["accuracy", f1])
    best = keras.callbacks.EarlyStopping(
        "val_f1",
        mode="max",
        patience=config["patience"],
        restore_best_weights=True,
    )
    epochs = config["epochs"]
    model.fit(dataset, validation_data=valid, epochs=epochs, callbacks=[best])
    model.save_to_preset(out / "preset")
    report = export_onnx(model, out / "deploy", quantize=config["quantize"])
    print(f"deploy folder: {out / 'deploy'}, {report.bytes / 2**20:.1f} MiB")
    if config["test"] is not None:
        test = read_pairs(config["test"])
        scores = Matcher(out / "deploy").score(test)
        print(classification_report(test.label, scores))
        if config["num_classes"] <= 2:
            plot_report(test.label, scores, out / "report.png")


def read_config():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="K=V")
    options = parser.parse_args()
    given = yaml.safe_load(options.config.read_text(encoding="utf-8")) or {}
    for setting in options.set:
        given |= yaml.safe_load(setting.replace("=", ": ", 1))
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {[*DEFAULTS]}")
    config = DEFAULTS | given
    # YAML 1.1 reads 5e-5 as a string.
    config["learning_rate"] = float(config["learning_rate"])
    missing = [k for k in ("preset", "train", "valid") if config[k] is None]
    if missing:
        parser.error(f"{options.config} lacks {', '.join(missing)}")
    return config


if __name__ == "__main__":
    main()
