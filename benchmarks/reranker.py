"""Trains a cross-encoder on what a bi-encoder finds, to rank that again.

    python benchmarks/reranker.py --bi-encoder ../shared/models/e5-small-zh \
        --prompt "query: " --cross-encoder ../shared/models/e5-small-zh-qa

A cross-encoder that is trained on labelled pairs has seldom read what a search
finds: near all of it is near. So the negatives of each pair of train that
matches are drawn from the first `--ranks` sentences that the bi-encoder finds
in train for its first text. The preset in `--out` is for `retrieve_rerank.py
--cross-encoder`, which reads the labelled partners of other splits: choose by
its `--valid-only`. A training that was cut goes on by the same command.

Source: Gao et al. 2021, "Rethink training of BERT rerankers in multi-stage
retrieval pipeline" (negatives from the first stage's own results).
"""

import argparse

import keras
import numpy as np
from retrieve_rerank import add_retrieval_arguments
from retrieve_rerank import deployed

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import mine_hard_negatives
from semmatch import pair_dataset
from semmatch import Pairs
from semmatch import read_pairs
from semmatch.training import AdamW
from semmatch.training import best_precision
from semmatch.training import LinearWarmup
from semmatch.training import ProgressBar
from semmatch.training import Resume


def main():
    options = parse_arguments()
    keras.utils.set_random_seed(options.seed)
    bi = deployed(BiEncoder, options.bi_encoder, options, prompt=options.prompt)
    pairs = mined_pairs(bi, options)
    model = CrossEncoder.from_preset(
        options.cross_encoder,
        num_layers=options.num_layers,
        sequence_length=64,
        dtype=options.dtype,
    )
    dataset = pair_dataset(
        pairs,
        model.preprocessor,
        batch_size=options.batch_size,
        shuffle=True,
        seed=options.seed,
    )
    steps = int(dataset.cardinality())
    model.compile(AdamW(LinearWarmup(options.learning_rate, steps)))
    model.fit(
        dataset,
        callbacks=[Resume(options.out / "checkpoints", 200), ProgressBar()],
        verbose=0,
    )
    model.save_to_preset(options.out / "preset")


def mined_pairs(bi, options):
    """Pairs of train that match, each with pairs of negatives behind it."""
    train = read_pairs(options.data / "train")
    mined = mine_hard_negatives(
        bi,
        train,
        corpus=train.text_a,
        num_negatives=options.ranks,
        ranks=(0, options.ranks),
        # Labels are all that is known: what nobody labelled is no partner.
        margin=None,
    )
    random = np.random.default_rng(options.seed)
    rows = []
    for row in random.permutation(len(mined))[: options.positives]:
        anchor = mined.anchor[row]
        rows.append((anchor, mined.positive[row], 1))
        negatives = random.permutation(mined.negatives[row])
        rows += [(anchor, t, 0) for t in negatives[: options.num_negatives]]
    text_a, text_b, label = map(list, zip(*rows, strict=True))
    return Pairs(text_a, text_b, label)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add_retrieval_arguments(parser)
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--positives", type=int, default=15_000)
    parser.add_argument("--num-negatives", type=int, default=4)
    parser.add_argument("--ranks", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--dtype", default=best_precision())
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
