"""Ranks the answers of TrecQA: both kinds of models beside two floors.

    python benchmarks/trecqa.py --preset ../shared/models/e5-small-zh \
        --num-layers 4 --query-prompt "query: " --passage-prompt "passage: "

The cross-encoder is trained on the pairs of the train questions, the
bi-encoder by InfoNCE on their right answers beside their wrong ones; it is
measured untrained as well. Epochs are chosen on dev, and test is read once.
Questions without a right answer among their candidates are left out of the
figures of order, as is usual; whether a model refuses to answer them is
counted by the threshold that dev gives.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from sts import fit_best_epoch

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import pair_dataset
from semmatch import read_pairs
from semmatch import Scoring
from semmatch import Triplets
from semmatch.data import RankedLists
from semmatch.data import triplet_dataset
from semmatch.evaluation import choose_threshold
from semmatch.evaluation import compare_rankings
from semmatch.evaluation import evaluate_ranking
from semmatch.losses import InfoNCE
from semmatch.serving import CharacterOverlap
from semmatch.serving.scorer import Scorer
from semmatch.serving.scorer import text_columns
from semmatch.training import AdamW
from semmatch.training import balanced_class_weight
from semmatch.training import LinearWarmup


class SharedWords(Scorer):
    """Scores by the share of the question's words that an answer has."""

    def __init__(self):
        super().__init__(Scoring("cosine"))

    def logits(self, pairs):
        shares = []
        for question, answer in zip(*text_columns(pairs), strict=True):
            words = set(question.lower().split())
            shares.append(len(words & set(answer.lower().split())) / len(words))
        # Of a cosine, so that a share is its own score.
        return 2 * np.array(shares, "float32")[:, None] - 1


def main():
    options = parse_arguments()
    splits = {
        name: read_pairs(options.data / f"{name}.tsv")
        for name in ("train", "dev", "test")
    }
    for floor in (SharedWords(), CharacterOverlap()):
        scores = floor.score(splits["dev"])
        chosen = choose_threshold(splits["dev"].label, scores)
        floor.scoring = floor.scoring.replace(threshold=chosen.value)
        measured(type(floor).__name__, floor, splits)
    reports = {}
    if "bi-encoder" in options.models:
        untrained = evaluate_fitted(
            "bi-encoder as it is", load(options), splits
        )
        trained = train_bi_encoder(options, splits)
        reports["bi-encoder"] = evaluate_fitted("bi-encoder", trained, splits)
        print_comparison(
            "trained", "as it is", reports["bi-encoder"], untrained
        )
    if "cross-encoder" in options.models:
        model = train_cross_encoder(options, splits)
        reports["cross-encoder"] = evaluate_fitted(
            "cross-encoder", model, splits
        )
    if len(reports) == 2:
        print_comparison(*reports, *reports.values())


def evaluate_fitted(name, model, splits):
    """The report of a model that dev has given its threshold."""
    model.fit_threshold(splits["dev"], by="f1")
    return measured(name, model, splits)


def measured(name, model, splits):
    report = evaluate_ranking(model, RankedLists.from_pairs(splits["test"]))
    print(f"\n{name}\n{report}", flush=True)
    return report


def print_comparison(name_a, name_b, report_a, report_b):
    found = compare_rankings(report_a, report_b)
    print(f"\na {name_a}, b {name_b}\n{found}", flush=True)


def load(options):
    return BiEncoder.from_preset(
        options.preset,
        num_layers=options.num_layers,
        sequence_length=128,
        query_prompt=options.query_prompt,
        passage_prompt=options.passage_prompt,
    )


def train_bi_encoder(options, splits):
    keras.utils.set_random_seed(options.seed)
    model = load(options)
    dataset = triplet_dataset(
        Triplets.from_pairs(splits["train"]),
        model.preprocessor,
        batch_size=32,
        shuffle=True,
        seed=options.seed,
        num_negatives=options.num_negatives,
    )
    steps = int(dataset.cardinality()) * options.bi_epochs
    model.compile(
        AdamW(LinearWarmup(options.bi_learning_rate, steps)),
        loss=InfoNCE(),
        metrics=[],
    )
    lists = RankedLists.from_pairs(splits["dev"])

    def dev_map():
        return evaluate_ranking(model, lists, num_resamples=1).map

    fit_best_epoch(model, dataset, options.bi_epochs, dev_map, "MAP")
    return model


def train_cross_encoder(options, splits):
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    kinds = ("bi-encoder", "cross-encoder")
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/trecqa")
    parser.add_argument("--models", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--query-prompt", help="of the bi-encoder")
    parser.add_argument("--passage-prompt", help="of the bi-encoder")
    parser.add_argument("--num-negatives", type=int, default=4)
    parser.add_argument("--bi-epochs", type=int, default=5)
    parser.add_argument("--bi-learning-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
