"""Losses of matching models, on logits."""

from semmatch.losses.cross_entropy import CrossEntropy
from semmatch.losses.r_drop import RDrop

__all__ = ["CrossEntropy", "RDrop"]
