"""Losses of matching models, on logits and on embeddings."""

from semmatch.losses.cosent import CoSENT
from semmatch.losses.cross_entropy import CrossEntropy
from semmatch.losses.r_drop import RDrop

__all__ = ["CoSENT", "CrossEntropy", "RDrop"]
