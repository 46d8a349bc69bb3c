"""Pieces of a training recipe: optimizer, schedule, precision."""

from semmatch.training.optimizers import AdamW
from semmatch.training.precision import best_precision
from semmatch.training.schedules import LinearWarmup

__all__ = ["AdamW", "LinearWarmup", "best_precision"]
