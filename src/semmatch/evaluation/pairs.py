"""Evaluates a model on labelled pairs."""

import functools
import math

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.evaluation.bootstrap import bootstrap_intervals
from semmatch.evaluation.calibration import brier_score
from semmatch.evaluation.calibration import expected_calibration_error
from semmatch.evaluation.classification import average_precision
from semmatch.evaluation.classification import confusion_matrix
from semmatch.evaluation.classification import roc_auc
from semmatch.evaluation.correlations import matthews_correlation
from semmatch.evaluation.correlations import or_nan
from semmatch.evaluation.correlations import pearson
from semmatch.evaluation.correlations import spearman
from semmatch.evaluation.model_scores import decide
from semmatch.evaluation.model_scores import is_graded
from semmatch.evaluation.model_scores import score_labelled
from semmatch.evaluation.pair_report import PairReport
from semmatch.evaluation.prior import check_prior
from semmatch.evaluation.prior import figures_at_prior
from semmatch.evaluation.report import classification_report


def evaluate_pairs(
    model, pairs, *, threshold=None, prior=None, num_resamples=1000, seed=0
):
    """Measures a model on labelled pairs, with 95 % intervals.

    Labels 0 and 1 have all figures; of a model of three classes or more they
    are those of classes. Graded labels, which are any others of a model of
    one score a pair, have correlations alone: those of a model of vectors
    are of its similarities, whatever was fitted to them, as is usual, and
    those of another one of its scores.

    The intervals take pairs for independent. Where a text stands in many
    pairs they are too narrow.

    Args:
        model: `CrossEncoder`, `BiEncoder`, `Matcher`, or another with
            `score(pairs)` and `scoring.threshold`.
        pairs: labelled `Pairs`, other than those that the model or its
            threshold was chosen on.
        threshold: float in [0, 1]; from this score on class 1 is predicted.
            None for the model's own.
        prior: float in (0, 1), the share of positive pairs in use, for the
            figures to expect there; None for no such figures.
        num_resamples: int, of the bootstrap, see `PairReport.intervals`.
        seed: int, fixes which pairs are drawn.

    Returns:
        `PairReport`.

    >>> from semmatch._records import Scoring
    >>> from semmatch.data import Pairs
    >>> class Model:  # in place of a `CrossEncoder`
    ...     scoring = Scoring("sigmoid", threshold=0.8)
    ...
    ...     def score(self, pairs):
    ...         return np.array([0.9, 0.7, 0.6, 0.1], "float32")
    >>> pairs = Pairs(
    ...     ["怎么还款", "如何还", "怎么开户", "你好"],
    ...     ["如何还款", "还钱", "怎么销户", "开户"],
    ...     [1, 1, 0, 0],
    ... )
    >>> report = evaluate_pairs(Model(), pairs, prior=0.1)
    >>> report.auc, report.classification.confusion.tolist()
    (1.0, [[2, 0], [1, 1]])
    >>> print(report)
    4 pairs, 2 of label 1
    <BLANKLINE>
                        value     95 % interval
    accuracy           0.7500  ...
    F1                 0.6667  ...
    AUC                1.0000  1.0000 to 1.0000
    average precision  1.0000  1.0000 to 1.0000
    Matthews           0.5774  ...
    Spearman           0.8944  ...
    calibration error  0.2750  ...
    Brier score        0.1175  ...
    <BLANKLINE>
                         accuracy  precision  recall      f1
    score >= 0.8           0.7500     1.0000  0.5000  0.6667
    score >= 0.5           0.7500     0.6667  1.0000  0.8000
    at 0.8, prior 0.1      0.9500     1.0000  0.5000  0.6667
    >>> print(report.errors_table(1))
    row  label   score  texts
    1        1  0.7000  如何还 | 还钱

    Raises:
        ValueError: without pairs or labels; for scores that are no
            probabilities; for a `threshold` or `prior` out of range, or
            without effect.
    """
    # Before the scoring, which may take long.
    num_resamples = check_positive_int(num_resamples, "num_resamples")
    threshold = None if threshold is None else _check_threshold(threshold)
    prior = None if prior is None else check_prior(prior)
    labels, scores = score_labelled(model, pairs, "evaluate_pairs")
    reports = {}
    if scores.ndim == 1 and not is_graded(labels):
        if threshold is None:
            threshold = float(model.scoring.threshold)
        measure = functools.partial(_match_figures, threshold=threshold)
        reports = _match_reports(labels, scores, threshold, prior)
    else:
        _refuse(threshold=threshold, prior=prior)
        measure = _graded_figures
        if scores.ndim == 2:
            measure = _class_figures
            reports["classification"] = classification_report(labels, scores)
    figures = {
        name: None if math.isnan(value) else value
        for name, value in measure(labels, scores).items()
    }
    intervals = bootstrap_intervals(
        lambda rows: measure(labels[rows], scores[rows]),
        len(labels),
        num_resamples,
        seed,
    )
    return PairReport(
        pairs=pairs,
        labels=labels,
        scores=scores,
        threshold=threshold,
        intervals=intervals,
        **reports,
        **figures,
    )


def _match_reports(labels, scores, threshold, prior):
    """Of one score a pair and labels 0 and 1."""
    report = classification_report(labels, scores, threshold=threshold)
    return {
        "classification": report,
        "classification_at_half": classification_report(labels, scores),
        "at_prior": None
        if prior is None
        else figures_at_prior(report.confusion, prior),
    }


def _match_figures(labels, scores, threshold):
    """Of one score a pair and labels 0 and 1."""
    predictions = decide(scores, threshold)
    confusion = confusion_matrix(labels, predictions, num_classes=2)
    right, predicted = confusion[1, 1], confusion[:, 1].sum()
    both = labels.min() != labels.max()
    return {
        "accuracy": float(np.mean(predictions == labels)),
        "f1": float(2 * right / max(1, predicted + labels.sum())),
        "mcc": matthews_correlation(labels, predictions),
        "auc": roc_auc(labels, scores) if both else math.nan,
        "average_precision": average_precision(labels, scores)
        if both
        else math.nan,
        "spearman": or_nan(spearman, labels, scores),
        "ece": expected_calibration_error(labels, scores),
        "brier": brier_score(labels, scores),
    }


def _graded_figures(labels, scores):
    """Of one score a pair and graded labels."""
    return {
        "spearman": or_nan(spearman, labels, scores),
        "pearson": or_nan(pearson, labels, scores),
    }


def _class_figures(labels, scores):
    """Of a score for each of several classes."""
    return {
        "accuracy": float(np.mean(decide(scores, None) == labels)),
        "ece": expected_calibration_error(labels, scores),
        "brier": brier_score(labels, scores),
    }


def _check_threshold(threshold):
    if not 0 <= threshold <= 1:
        raise ValueError(
            "`threshold` must be in [0, 1], as scores are. Received: "
            f"threshold={threshold}."
        )
    return float(threshold)


def _refuse(**options):
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"`{name}` is for labels 0 and 1 and a model of one score a "
                f"pair. Received: {name}={value} with graded labels or a "
                "model of several classes; leave it out."
            )
