"""Figures and reports over labels and scores; needs NumPy alone."""

from semmatch.evaluation.classification import average_precision
from semmatch.evaluation.classification import confusion_matrix
from semmatch.evaluation.classification import precision_recall_curve
from semmatch.evaluation.classification import PrecisionRecallCurve
from semmatch.evaluation.classification import roc_auc
from semmatch.evaluation.plots import plot_report
from semmatch.evaluation.report import classification_report
from semmatch.evaluation.report import ClassificationReport

__all__ = [
    "ClassificationReport",
    "PrecisionRecallCurve",
    "average_precision",
    "classification_report",
    "confusion_matrix",
    "plot_report",
    "precision_recall_curve",
    "roc_auc",
]
