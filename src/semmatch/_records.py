"""What scoring gives back, and how logits become scores."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from semmatch._checks import check_one_of
from semmatch._checks import check_positive_int
from semmatch._checks import check_text
from semmatch._similarity import SIMILARITIES

ACTIVATIONS = ("sigmoid", "softmax", "cosine")
BANDS = ("match", "suggest", "none")
LONG = ("truncate", "max")


class _Place(NamedTuple):
    # A field may hide the method of tuple that nobody calls on a record.
    index: int  # type: ignore[assignment]
    score: float
    text: str


class Ranked(_Place):
    """One candidate in its place: index given, score in [0, 1], text.

    It unpacks into these three. Its `band` stands beside them: `"match"`,
    `"suggest"` or `"none"`, see `Scoring.band`.

    >>> place = Ranked(2, 0.9, "怎么还款", "match")
    >>> index, score, text = place
    >>> place.band
    'match'
    """

    band = "none"

    def __new__(cls, index, score, text, band="none"):
        place = super().__new__(cls, index, score, text)
        place.band = band
        return place


@dataclasses.dataclass(frozen=True)
class Embedding:
    """What the vectors of a model of embeddings are.

    Attributes:
        dim: int, the width of a vector.
        similarity: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
        normalize: bool, whether vectors have the length 1.
        query_prompt: string, put before each query, such as `"query: "`.
        passage_prompt: string, put before each passage.
    """

    dim: int
    similarity: str = "cosine"
    normalize: bool = False
    query_prompt: str = ""
    passage_prompt: str = ""

    def __post_init__(self):
        check_positive_int(self.dim, "dim")
        check_one_of(self.similarity, SIMILARITIES, "similarity")
        check_one_of(self.normalize, (False, True), "normalize")
        check_text(self.query_prompt, "`query_prompt`")
        check_text(self.passage_prompt, "`passage_prompt`")


@dataclasses.dataclass(frozen=True)
class Scoring:
    """How a model's logits become scores in [0, 1].

    Kept with the model, its preset and its deploy folder, so that training,
    `score` and `Matcher` mean the same number.

    Attributes:
        activation: `"sigmoid"` for one logit, `"softmax"` for more,
            `"cosine"` for a logit that is a cosine: (1 + cosine) / 2.
        temperature: float above 0, divides the logits.
        bias: float, added to a single logit after the division.
        threshold: float in [0, 1]; a pair matches if its score is at least
            this.
        suggest_threshold: float in [0, `threshold`], from which on a pair is
            worth showing though it is no match; None for no such band.
        symmetric: bool, whether a pair's logits are the mean of those of both
            orders of its texts.
        long: what becomes of a second text that does not fit: `"truncate"`
            cuts its end, `"max"` scores it in overlapping windows, of which
            the best counts.

    >>> Scoring("sigmoid").scores([[0.0]]).tolist()
    [0.5]
    >>> Scoring("softmax").scores([[1.0, 1.0]]).tolist()
    [0.5]
    """

    activation: str
    temperature: float = 1.0
    bias: float = 0.0
    threshold: float = 0.5
    suggest_threshold: float | None = None
    symmetric: bool = False
    long: str = "truncate"

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
        if self.activation == "cosine" and (self.temperature, self.bias) != (
            1.0,
            0.0,
        ):
            raise ValueError(
                'The activation "cosine" has neither `temperature` nor '
                f"`bias`. Received: temperature={self.temperature}, "
                f'bias={self.bias}. Take "sigmoid" with them.'
            )
        if not 0 <= self.threshold <= 1:
            raise ValueError(
                "`threshold` must be in [0, 1], as scores are. Received: "
                f"threshold={self.threshold}."
            )
        suggest = self.suggest_threshold
        if suggest is not None and not 0 <= suggest <= self.threshold:
            raise ValueError(
                "`suggest_threshold` must be in [0, threshold], here "
                f"{self.threshold}. Received: suggest_threshold={suggest}."
            )
        check_one_of(self.symmetric, (False, True), "symmetric")
        check_one_of(self.long, LONG, "long")

    @classmethod
    def for_classes(cls, num_classes):
        """The scoring of a fresh head of `num_classes` logits."""
        return cls("sigmoid" if num_classes == 1 else "softmax")

    @classmethod
    def for_similarity(cls, similarity):
        """The scoring of a similarity that nothing was fitted to."""
        return cls("cosine" if similarity == "cosine" else "sigmoid")

    def scores(self, logits):
        """Scores of logits.

        Args:
            logits: float `(n, classes)`.

        Returns:
            float32: `(n,)` for one logit and for two classes (the second is
            the positive one), `(n, classes)` for more.
        """
        logits = np.asarray(logits, "float64")
        one = self.activation != "softmax"
        if logits.ndim != 2 or one != (logits.shape[1] == 1):
            raise ValueError(
                '"sigmoid" and "cosine" expect one logit a pair, shape (n, 1), '
                'and "softmax" one for each of two classes or more. Received: '
                f"activation={self.activation!r} and logits of shape "
                f"{logits.shape}."
            )
        if self.activation == "cosine":
            # Rounding may lead a hair beyond the range.
            scores = (1 + np.clip(logits[:, 0], -1, 1)) / 2
            return scores.astype("float32")
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

    def band(self, score):
        """What to do with a pair of this score.

        Args:
            score: float in [0, 1].

        Returns:
            `"match"` from `threshold` on, `"suggest"` from
            `suggest_threshold` on, else `"none"`.

        >>> Scoring("sigmoid", threshold=0.8, suggest_threshold=0.4).band(0.5)
        'suggest'
        """
        # In float32, as scores are, so that each comparison ends alike.
        score = np.float32(score)
        if score >= np.float32(self.threshold):
            return "match"
        suggest = self.suggest_threshold
        if suggest is not None and score >= np.float32(suggest):
            return "suggest"
        return "none"

    def replace(self, **changes):
        """The record with other values in some places.

        >>> Scoring("sigmoid").replace(symmetric=True).symmetric
        True
        """
        return dataclasses.replace(self, **changes)

    def calibrated(self, factor):
        """The record with logits that are divided by `factor` more.

        Scores move, and the thresholds with them: what matches stays.

        Args:
            factor: float above 0; above 1 makes scores less sure.

        >>> Scoring("sigmoid", threshold=0.8).calibrated(2.0).threshold
        0.6666666666666666
        """

        def moved(threshold):
            if threshold is None or threshold in (0.0, 1.0):
                return threshold
            return _sigmoid(_log_odds(threshold) / factor)

        return self.replace(
            temperature=self.temperature * factor,
            bias=self.bias / factor,
            threshold=moved(self.threshold),
            suggest_threshold=moved(self.suggest_threshold),
        )

    def fitted(self, slope, bias):
        """The record with scores of `sigmoid(slope * similarity + bias)`.

        Scores move, and the thresholds with them: what matches stays.

        Args:
            slope: float above 0.
            bias: float.

        >>> Scoring("cosine", threshold=0.75).fitted(2.0, -1.0).threshold
        0.5
        """

        def moved(threshold):
            if threshold is None or threshold == 0:
                return threshold
            if self.activation == "cosine":
                similarity = 2 * threshold - 1
            elif threshold == 1:
                return threshold
            else:
                logit = _log_odds(threshold) - self.bias
                similarity = logit * self.temperature
            return _sigmoid(slope * similarity + bias)

        return self.replace(
            activation="sigmoid",
            temperature=1 / slope,
            bias=bias,
            threshold=moved(self.threshold),
            suggest_threshold=moved(self.suggest_threshold),
        )

    def to_dict(self):
        """The record as JSON types."""
        return dataclasses.asdict(self)


def _log_odds(share):
    return math.log(share) - math.log1p(-share)


def _sigmoid(logit):
    # exp of a negative number alone, so that nothing overflows.
    small = math.exp(-abs(logit))
    return (1.0 if logit >= 0 else small) / (1 + small)
