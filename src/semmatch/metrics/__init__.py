"""Metrics for `compile`; they read scores, not logits."""

from semmatch.metrics.average_precision import AveragePrecision
from semmatch.metrics.classification import F1
from semmatch.metrics.classification import Precision
from semmatch.metrics.classification import Recall
from semmatch.metrics.spearman import Spearman

__all__ = [
    "F1",
    "AveragePrecision",
    "Precision",
    "Recall",
    "Spearman",
]
