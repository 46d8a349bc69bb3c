"""A model of known scores, and pairs to try it on."""

import numpy as np

from semmatch._records import Scoring
from semmatch.data import Pairs
from semmatch.evaluation import evaluate_pairs

# From 0.6 on three match, two of them rightly.
LABELS = np.array([1, 1, 1, 0, 0, 0, 0, 1])
SCORES = np.array([0.9, 0.8, 0.55, 0.7, 0.2, 0.1, 0.55, 0.3], "float32")
CLASSES = np.array(
    [[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.1, 0.7], [0.05, 0.05, 0.9]]
)


class FixedScores:
    """A model that gives these scores, whatever the texts."""

    def __init__(self, scores, threshold=0.5):
        self.scores = scores
        self.scoring = Scoring("sigmoid", threshold=threshold)

    def score(self, pairs):
        return self.scores


def pairs_of(labels):
    rows = range(len(labels))
    return Pairs(
        [f"a{row}" for row in rows], [f"b{row}" for row in rows], labels
    )


def report_of(labels=LABELS, scores=SCORES, *, num_resamples=20, **options):
    model = FixedScores(scores, threshold=0.6)
    return evaluate_pairs(
        model, pairs_of(labels), num_resamples=num_resamples, **options
    )


def random_case(size, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, size)
    logits = 2 * labels - 1 + random.normal(size=size)
    return labels, (1 / (1 + np.exp(-logits))).astype("float32")
