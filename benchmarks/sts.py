"""Correlations with STS-B: shared characters, an encoder, and it trained.

    python benchmarks/sts.py --preset ../shared/models/e5-small-zh \
        --prompt "query: " --train

Spearman's and Pearson's correlations of the grades with the similarities, with
95 % intervals, in each language. With `--train` the encoder is trained by
CoSENT on the train pairs; its epoch is chosen by Spearman on dev, and test is
read once, at the end.
"""

import argparse
from pathlib import Path

import keras

from semmatch import BiEncoder
from semmatch import pair_dataset
from semmatch import read_pairs
from semmatch.evaluation import compare_correlations
from semmatch.evaluation import evaluate_pairs
from semmatch.serving import CharacterOverlap
from semmatch.training import AdamW
from semmatch.training import best_precision
from semmatch.training import LinearWarmup


def main():
    options = parse_arguments()
    for folder in options.data:
        splits = {
            name: read_pairs(folder / f"{name}.tsv")
            for name in ("train", "dev", "test")
        }
        print(f"\n{folder.name}", flush=True)
        print_rows("character Dice", CharacterOverlap(), splits)
        encoder = load(options, "float32")
        print_rows("encoder as it is", encoder, splits)
        if options.train:
            trained = load(options, "float32")
            # Figures are those of the float32 model, which is what is kept.
            trained.set_weights(train(options, splits).get_weights())
            print_rows("trained by CoSENT", trained, splits)
            found = compare_correlations(trained, encoder, splits["test"])
            print(f"test, a trained, b as it is\n{found}", flush=True)


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared/data"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        default=[shared / "stsb_mt_zh", shared / "stsb_mt_en"],
    )
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--prompt", help="before each text, of no folder's own")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", default=best_precision())
    return parser.parse_args()


def load(options, dtype):
    return BiEncoder.from_preset(
        options.preset,
        num_layers=options.num_layers,
        query_prompt=options.prompt,
        passage_prompt=options.prompt,
        dtype=dtype,
    )


def train(options, splits):
    keras.utils.set_random_seed(options.seed)
    model = load(options, options.dtype)
    dataset = pair_dataset(
        splits["train"],
        model.preprocessor,
        batch_size=options.batch_size,
        shuffle=True,
        seed=options.seed,
    )
    steps = int(dataset.cardinality()) * options.epochs
    # CoSENT learns from the order of grades, and metrics are of classes.
    model.compile(AdamW(LinearWarmup(options.learning_rate, steps)), metrics=[])

    def dev_spearman():
        return evaluate_pairs(model, splits["dev"], num_resamples=1).spearman

    fit_best_epoch(model, dataset, options.epochs, dev_spearman, "Spearman")
    return model


def fit_best_epoch(model, dataset, epochs, measure, name):
    """Trains a model, which keeps the weights of its best epoch on dev."""
    best, weights = float("-inf"), None
    for epoch in range(epochs):
        model.fit(dataset, initial_epoch=epoch, epochs=epoch + 1, verbose=2)
        figure = measure()
        print(f"epoch {epoch + 1}: {name} on dev {figure:.4f}", flush=True)
        if figure > best:
            best, weights = figure, model.get_weights()
    model.set_weights(weights)


def print_rows(name, model, splits):
    for split in ("dev", "test"):
        report = evaluate_pairs(model, splits[split])
        figures = [
            f"{title} {getattr(report, key):.4f} ({low:.4f} to {high:.4f})"
            for key, title in (("spearman", "Spearman"), ("pearson", "Pearson"))
            for low, high in [report.intervals[key]]
        ]
        print(f"{name:<18} {split:<5} {', '.join(figures)}", flush=True)


if __name__ == "__main__":
    main()
