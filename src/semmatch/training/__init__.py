"""Pieces of a training recipe: optimizer, schedule, precision, guards."""

from semmatch.training.class_weight import balanced_class_weight
from semmatch.training.cluster import is_chief
from semmatch.training.distribute import strategy
from semmatch.training.guards import TrainingGuard
from semmatch.training.optimizers import AdamW
from semmatch.training.precision import best_precision
from semmatch.training.progress import ProgressBar
from semmatch.training.replicas import gather_replicas
from semmatch.training.resume import Resume
from semmatch.training.run_folder import RunFolder
from semmatch.training.schedules import LinearWarmup

__all__ = [
    "AdamW",
    "LinearWarmup",
    "ProgressBar",
    "Resume",
    "RunFolder",
    "TrainingGuard",
    "balanced_class_weight",
    "best_precision",
    "gather_replicas",
    "is_chief",
    "strategy",
]
