"""Pieces of a training recipe: optimizer, schedule, precision, guards."""

from semmatch.training.class_weight import balanced_class_weight
from semmatch.training.guards import TrainingGuard
from semmatch.training.optimizers import AdamW
from semmatch.training.precision import best_precision
from semmatch.training.replicas import gather_replicas
from semmatch.training.schedules import LinearWarmup

__all__ = [
    "AdamW",
    "LinearWarmup",
    "TrainingGuard",
    "balanced_class_weight",
    "best_precision",
    "gather_replicas",
]
