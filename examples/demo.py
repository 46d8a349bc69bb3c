"""Trains a small cross-encoder from scratch on the bundled FAQ sample,
shows what it learnt, exports it and answers a question with it.

    python examples/demo.py --question "钱怎么退回来"
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from semmatch import classification_report
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import load_faq
from semmatch import Matcher
from semmatch import pair_dataset
from semmatch import TextEncoder
from semmatch.evaluation import plot_report
from semmatch.models import CrossEncoderPreprocessor
from semmatch.training import AdamW
from semmatch.training import LinearWarmup

EPOCHS = 6


def main():
    options = parse_arguments()
    keras.utils.set_random_seed(0)
    faq = load_faq("zh")
    splits = {name: faq.pairs(name) for name in ("train", "valid", "test")}
    for name, pairs in splits.items():
        print(f"{name}: {len(pairs)} pairs, {pairs.label.mean():.0%} match")

    train = splits["train"]
    preprocessor = CrossEncoderPreprocessor.from_texts(
        train.text_a + train.text_b, sequence_length=64
    )
    encoder = TextEncoder(
        vocabulary_size=preprocessor.tokenizer.vocabulary_size,
        num_layers=2,
        num_heads=4,
        hidden_dim=128,
        intermediate_dim=256,
        max_sequence_length=64,
        pooler=False,
    )
    model = CrossEncoder(encoder, preprocessor, pooling="mean")
    dataset = pair_dataset(train, preprocessor, shuffle=True)
    steps = int(dataset.cardinality()) * EPOCHS
    model.compile(
        AdamW(LinearWarmup(1e-3, steps)),
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
    )
    model.fit(
        dataset,
        validation_data=splits["valid"],
        epochs=EPOCHS,
        callbacks=[
            keras.callbacks.EarlyStopping(
                "val_auc", mode="max", patience=2, restore_best_weights=True
            )
        ],
    )

    test = splits["test"]
    scores = model.score(test)
    print(f"\nOn the test pairs:\n{classification_report(test.label, scores)}")
    picture = plot_report(test.label, scores, options.out / "report.png")
    print(f"\nPicture: {picture}")

    report = export_onnx(model, options.out / "deploy", quantize="int8")
    print(
        f"Deploy folder: {options.out / 'deploy'}, "
        f"{report.bytes / 2**20:.1f} MiB, {report.seconds:.1f} s"
    )
    answer(Matcher(options.out / "deploy"), faq, options.question)


def answer(matcher, faq, question):
    """Ranks one known phrasing of each intent for the question."""
    ...


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"))
    parser.add_argument("--question", default="钱怎么退回来")
    return parser.parse_args()


if __name__ == "__main__":
    main()
