"""Ranks the answers of TrecQA: a cross-encoder beside shared words.

    python benchmarks/trecqa.py --preset ../shared/models/e5-small-zh \
        --num-layers 4

The model is trained on the train questions, its epoch chosen on dev, and test
read once. Questions without a right answer among their candidates are left out
of the figures of order, as is usual; whether the model refuses to answer them
is counted by the threshold that dev gives.
"""

import argparse
from pathlib import Path

import keras

from semmatch import CrossEncoder
from semmatch import pair_dataset
from semmatch import read_pairs
from semmatch import Scoring
from semmatch._records import Ranked
from semmatch.data import RankedLists
from semmatch.evaluation import evaluate_ranking
from semmatch.training import AdamW
from semmatch.training import balanced_class_weight
from semmatch.training import LinearWarmup


class SharedWords:
    """Ranks by the share of the question's words that a candidate has."""

    scoring = Scoring("sigmoid")

    def rank_many(self, queries, candidates):
        ranked = []
        for query, texts in zip(queries, candidates, strict=True):
            words = set(query.lower().split())
            scores = [
                len(words & set(text.lower().split())) / len(words)
                for text in texts
            ]
            order = sorted(range(len(texts)), key=lambda i: -scores[i])
            ranked.append([Ranked(i, scores[i], texts[i]) for i in order])
        return ranked


def main():
    options = parse_arguments()
    splits = {
        name: read_pairs(options.data / f"{name}.tsv")
        for name in ("train", "dev", "test")
    }
    lists = RankedLists.from_pairs(splits["test"])
    print(f"shared words\n{evaluate_ranking(SharedWords(), lists)}\n")
    model = train(options, splits)
    model.fit_temperature(splits["dev"])
    model.fit_threshold(splits["dev"], by="f1")
    print(f"\ncross-encoder\n{evaluate_ranking(model, lists)}")


def train(options, splits):
    keras.utils.set_random_seed(options.seed)
    model = CrossEncoder.from_preset(
        options.preset,
        num_classes=1,
        num_layers=options.num_layers,
        sequence_length=128,
        truncation="only_second",
        pooling="mean",
    )
    dataset = pair_dataset(
        splits["train"],
        model.preprocessor,
        batch_size=32,
        shuffle=True,
        seed=options.seed,
    )
    steps = int(dataset.cardinality()) * options.epochs
    model.compile(
        AdamW(LinearWarmup(options.learning_rate, steps)),
        metrics=[keras.metrics.AUC(curve="PR", name="average_precision")],
    )
    # One answer in five is right.
    model.fit(
        dataset,
        validation_data=splits["dev"],
        epochs=options.epochs,
        class_weight=balanced_class_weight(splits["train"].label),
        verbose=2,
    )
    return model


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/trecqa")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
