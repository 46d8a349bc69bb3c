"""Serving on a plain CPU, without TensorFlow or Keras."""

from semmatch.serving.matcher import Matcher
from semmatch.serving.pair_scorer import PairScorer

__all__ = ["Matcher", "PairScorer"]
