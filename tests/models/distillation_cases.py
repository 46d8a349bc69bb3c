"""Teachers and students that several test files need."""

import numpy as np

from semmatch.data import Pairs
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import tiny_preprocessor

PREPROCESSOR = tiny_preprocessor()
LABELLED = Pairs(
    ["怎么取消借款", "如何还款", "借款还款", "取消"],
    ["取消", "还款", "Hello", "怎么取消"],
    [1, 1, 0, 0],
)
UNLABELLED = Pairs(["还款", "借款"], ["如何", "取消借款"])


class Stored:
    """Scores of a teacher that are made up."""

    def __init__(self, num_classes=1, scoring=None):
        from semmatch import Scoring

        self.num_classes = num_classes
        self.scoring = scoring or Scoring.for_classes(num_classes)

    def logits(self, pairs):
        generator = np.random.default_rng(5)
        shape = (len(pairs), self.num_classes)
        return generator.normal(scale=2, size=shape).astype("float32")


def cross(num_layers=1, hidden_dim=8, num_heads=2, seed=0, **kwargs):
    """A cross-encoder in which nothing is random in training."""
    from tests.checks import randomise

    encoder = tiny_encoder(
        num_layers=num_layers,
        hidden_dim=hidden_dim,
        num_heads=num_heads,
        dropout=0.0,
        attention_dropout=0.0,
        pooler=False,
    )
    randomise(encoder, seed)
    options = {"dropout": 0.0, "pooling": "mean", **kwargs}
    return tiny_model(encoder, PREPROCESSOR, **options)
