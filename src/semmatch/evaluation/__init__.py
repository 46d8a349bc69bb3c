"""Figures and reports over labels and scores; needs NumPy alone."""

from semmatch.evaluation.calibration import brier_score
from semmatch.evaluation.calibration import expected_calibration_error
from semmatch.evaluation.calibration import fit_temperature
from semmatch.evaluation.classification import average_precision
from semmatch.evaluation.classification import confusion_matrix
from semmatch.evaluation.classification import precision_recall_curve
from semmatch.evaluation.classification import PrecisionRecallCurve
from semmatch.evaluation.classification import roc_auc
from semmatch.evaluation.plots import plot_report
from semmatch.evaluation.report import classification_report
from semmatch.evaluation.report import ClassificationReport
from semmatch.evaluation.thresholds import choose_threshold
from semmatch.evaluation.thresholds import Threshold

__all__ = [
    "ClassificationReport",
    "PrecisionRecallCurve",
    "Threshold",
    "average_precision",
    "brier_score",
    "choose_threshold",
    "classification_report",
    "confusion_matrix",
    "expected_calibration_error",
    "fit_temperature",
    "plot_report",
    "precision_recall_curve",
    "roc_auc",
]
