"""Thresholds and temperature of a model, chosen on labelled pairs."""

import warnings
from typing import NamedTuple

from semmatch import evaluation
from semmatch._checks import check_one_of


class Calibration(NamedTuple):
    """What `fit_temperature` did.

    Attributes:
        temperature: float, divides the logits; above 1 the model was too
            sure of itself.
        ece_before: float, expected calibration error of the scores before.
        ece_after: float, and after.
        brier_before: float, Brier score before.
        brier_after: float, and after.
    """

    temperature: float
    ece_before: float
    ece_after: float
    brier_before: float
    brier_after: float


def fit_threshold(model, pairs, by="f1", at=None, band="match"):
    """Chooses the score from which on pairs match, and keeps it.

    It is saved with the model and goes into its exports; `rank` and `Matcher`
    apply it. Choose it on validation pairs, after `fit_temperature`.

    Args:
        model: a model with a `scoring`.
        pairs: labelled `Pairs`.
        by: `"f1"` or `"accuracy"`, made as large as it gets; `"precision"` or
            `"fpr"`, held at `at`.
        at: float, for these two, see `choose_threshold`.
        band: `"match"`, or `"suggest"` for the lower threshold, of pairs that
            are worth showing though they are no match.

    Returns:
        `semmatch.evaluation.Threshold`, with its figures on `pairs`.

    Raises:
        ValueError: as `choose_threshold`; for a model of more than two
            classes; for suggestions above matches.
    """
    check_one_of(band, ("match", "suggest"), "band")
    labels = _classes(pairs, "fit_threshold")
    if model.num_classes > 2:
        raise ValueError(
            "A threshold is for one score a pair: a model with one logit or "
            f"two classes. Received: a model of {model.num_classes} classes."
        )
    scores = model.score(pairs)
    chosen = evaluation.choose_threshold(labels, scores, by=by, at=at)
    scoring = model.scoring
    if band == "suggest":
        if chosen.value > scoring.threshold:
            raise ValueError(
                "The threshold of suggestions must be at most that of "
                f"matches, {scoring.threshold:.4f}. Received: by={by!r}, "
                f"at={at}, which gives {chosen.value:.4f}. Ask for more "
                "recall, or fit the other one first."
            )
        model.scoring = scoring.replace(suggest_threshold=chosen.value)
        return chosen
    suggest = scoring.suggest_threshold
    if suggest is not None and suggest > chosen.value:
        warnings.warn(
            f"The new threshold {chosen.value:.4f} is below that of "
            f"suggestions, {suggest:.4f}, which is dropped. Fit it again with "
            "`band='suggest'`.",
            stacklevel=2,
        )
        suggest = None
    model.scoring = scoring.replace(
        threshold=chosen.value, suggest_threshold=suggest
    )
    return chosen


def fit_temperature(model, pairs):
    """Makes scores the probabilities that they look like.

    One number divides the logits, and of a similarity another is added: the
    order of pairs and what matches stay, thresholds move along. It is saved
    with the model and goes into its exports. Choose it on validation pairs.

    Source: Guo et al. 2017, "On calibration of modern neural networks"; of a
    similarity Platt 1999, "Probabilistic outputs for support vector machines".

    Args:
        model: a model with a `scoring`.
        pairs: labelled `Pairs`, 50 or more.

    Returns:
        `Calibration`.
    """
    labels = _classes(pairs, "fit_temperature")
    scoring = model.scoring
    logits = model.pair_scorer().logits(pairs)
    calibrated = model._calibrated(labels, logits)
    before, after = scoring.scores(logits), calibrated.scores(logits)
    model.scoring = calibrated
    return Calibration(
        calibrated.temperature,
        evaluation.expected_calibration_error(labels, before),
        evaluation.expected_calibration_error(labels, after),
        evaluation.brier_score(labels, before),
        evaluation.brier_score(labels, after),
    )


def _classes(pairs, who):
    if getattr(pairs, "label", None) is None or not len(pairs):
        raise ValueError(
            f"`{who}` needs labelled `Pairs`, of validation data. Received: "
            f"{pairs!r}."
        )
    return pairs.label
