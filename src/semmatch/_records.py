"""What scoring gives back, and how logits become scores."""

import dataclasses
from typing import NamedTuple

import numpy as np

from semmatch._checks import check_one_of

ACTIVATIONS = ("sigmoid", "softmax")


class Ranked(NamedTuple):
    """One candidate in its place: index given, score in [0, 1], text."""

    # A field may hide the method of tuple that nobody calls on a record.
    index: int  # type: ignore[assignment]
    score: float
    text: str


@dataclasses.dataclass(frozen=True)
class Scoring:
    """How a model's logits become scores in [0, 1].

    Kept with the model, its preset and its deploy folder, so that training,
    `score` and `Matcher` mean the same number.

    Attributes:
        activation: `"sigmoid"` for one logit, `"softmax"` for more.
        temperature: float above 0, divides the logits.
        bias: float, added to a single logit after the division.
        threshold: float in [0, 1]; a pair matches if its score is at least
            this.

    >>> Scoring("sigmoid").scores([[0.0]]).tolist()
    [0.5]
    >>> Scoring("softmax").scores([[1.0, 1.0]]).tolist()
    [0.5]
    """

    activation: str
    temperature: float = 1.0
    bias: float = 0.0
    threshold: float = 0.5

    def __post_init__(self):
        check_one_of(self.activation, ACTIVATIONS, "activation")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(
                "`temperature` must be a finite number above 0. Received: "
                f"temperature={self.temperature}."
            )
        if not np.isfinite(self.bias):
            raise ValueError(
                f"`bias` must be a finite number. Received: bias={self.bias}."
            )
        if not 0 <= self.threshold <= 1:
            raise ValueError(
                "`threshold` must be in [0, 1], as scores are. Received: "
                f"threshold={self.threshold}."
            )

    @classmethod
    def for_classes(cls, num_classes):
        """The scoring of a fresh head of `num_classes` logits."""
        return cls("sigmoid" if num_classes == 1 else "softmax")

    def scores(self, logits):
        """Scores of logits.

        Args:
            logits: float `(n, classes)`.

        Returns:
            float32: `(n,)` for one logit and for two classes (the second is
            the positive one), `(n, classes)` for more.
        """
        logits = np.asarray(logits, "float64")
        one = self.activation == "sigmoid"
        if logits.ndim != 2 or one != (logits.shape[1] == 1):
            raise ValueError(
                '"sigmoid" expects one logit a pair, shape (n, 1), and '
                '"softmax" one for each of two classes or more. Received: '
                f"activation={self.activation!r} and logits of shape "
                f"{logits.shape}."
            )
        logits = logits / self.temperature
        if self.activation == "sigmoid":
            # exp of a negative number alone, so that nothing overflows.
            logits = logits[:, 0] + self.bias
            small = np.exp(-np.abs(logits))
            scores = np.where(logits >= 0, 1.0, small) / (1.0 + small)
            return scores.astype("float32")
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = (powers / powers.sum(axis=1, keepdims=True)).astype("float32")
        return scores[:, 1] if scores.shape[1] == 2 else scores

    def rank_keys(self, logits):
        """What ranking sorts by, `(n,)`: scores of 1.0 are still apart here."""
        logits = np.asarray(logits, "float64")
        if logits.shape[1] > 2:
            raise ValueError(
                "Ranking needs one score for each pair: a model with one "
                "logit or two classes. Received: a model of "
                f"{logits.shape[1]} classes."
            )
        return (
            logits[:, 0]
            if logits.shape[1] == 1
            else (logits[:, 1] - logits[:, 0])
        )

    def to_dict(self):
        """The record as JSON types."""
        return dataclasses.asdict(self)
