"""Trains a small cross-encoder from scratch on the bundled FAQ sample,
shows what it learnt, exports it and answers questions with it.

    python examples/demo.py --question "钱怎么退回来"
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from semmatch import classification_report
from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import load_faq
from semmatch import Matcher
from semmatch import pair_dataset
from semmatch import Pairs
from semmatch import TextEncoder
from semmatch.evaluation import plot_report
from semmatch.models import CrossEncoderPreprocessor
from semmatch.training import AdamW
from semmatch.training import LinearWarmup

EPOCHS = 6
COPIES = 3
QUESTION = "东西不想要了，怎么把钱退回来"


def main():
    options = parse_arguments()
    keras.utils.set_random_seed(0)
    faq = load_faq("zh")
    splits = {name: faq.pairs(name) for name in ("valid", "test")}
    splits["train"] = training_pairs(faq)
    for name, pairs in splits.items():
        print(f"{name}: {len(pairs)} pairs, {pairs.label.mean():.0%} match")

    model = build_model(splits["train"])
    train = pair_dataset(splits["train"], model.preprocessor, shuffle=True)
    steps = int(train.cardinality()) * EPOCHS
    model.compile(
        AdamW(LinearWarmup(1e-3, steps)),
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
    )
    best = keras.callbacks.EarlyStopping(
        "val_auc", mode="max", patience=2, restore_best_weights=True
    )
    model.fit(
        train,
        validation_data=splits["valid"],
        epochs=EPOCHS,
        callbacks=[best],
    )

    test = splits["test"]
    scores = model.score(test)
    print(f"\nOn the test pairs:\n{classification_report(test.label, scores)}")
    picture = plot_report(test.label, scores, options.out / "report.png")
    print(f"\nPicture: {picture}")

    folder = options.out / "deploy"
    report = export_onnx(model, folder, quantize="int8")
    print(
        f"Deploy folder: {folder}, {report.bytes / 2**20:.1f} MiB, "
        f"{report.seconds:.1f} s"
    )
    matcher = Matcher(folder)
    for question in questions(options.question):
        answer(matcher, faq, question)


def training_pairs(faq):
    """The sample's pairs, and each text with shortened copies.

    A model that starts from nothing learns from the copies to compare words.
    """
    random = np.random.default_rng(0)
    pairs, texts = faq.pairs("train", negatives=2), faq.texts("train")

    def shortened(text):
        kept = [letter for letter in text if random.random() < 0.6]
        return "".join(kept) or text

    text_a, text_b = list(pairs.text_a), list(pairs.text_b)
    for text in texts * COPIES:
        other = texts[random.integers(len(texts))]
        text_a += [text, text]
        text_b += [shortened(text), shortened(other)]
    label = [*pairs.label, *[1, 0] * (len(texts) * COPIES)]
    return Pairs(text_a, text_b, label)


def build_model(pairs):
    """A BERT of two layers, its vocabulary that of the texts."""
    preprocessor = CrossEncoderPreprocessor.from_texts(
        pairs.text_a + pairs.text_b, sequence_length=64
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
    return CrossEncoder(encoder, preprocessor, pooling="mean")


def questions(given):
    """The question of the command line, else what a person types."""
    if given is not None or not sys.stdin.isatty():
        yield given or QUESTION
        return
    while question := input("\nYour question (Enter ends): ").strip():
        yield question


def answer(matcher, faq, question):
    """Ranks the known phrasings of every intent for a question."""
    intents = {p.text: p.intent for p in faq.phrasings if p.split == "train"}
    print(f"\nQuestion: {question}")
    for place in matcher.rank(question, list(intents), top_k=5):
        print(f"  {place.score:.3f}  {intents[place.text]:<24}{place.text}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"))
    parser.add_argument(
        "--question", help="asked of the model; None asks at a terminal"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
