"""Serving on a plain CPU, without TensorFlow or Keras."""

from semmatch.serving.answers import Answer
from semmatch.serving.character_overlap import CharacterOverlap
from semmatch.serving.faq_index import FAQIndex
from semmatch.serving.latency import measure_latency
from semmatch.serving.latency_report import LatencyReport
from semmatch.serving.matcher import Matcher
from semmatch.serving.pair_scorer import PairScorer
from semmatch.serving.retrieve_rerank import RetrieveRerank
from semmatch.serving.vector_index import VectorIndex

__all__ = [
    "Answer",
    "CharacterOverlap",
    "FAQIndex",
    "LatencyReport",
    "Matcher",
    "PairScorer",
    "RetrieveRerank",
    "VectorIndex",
    "measure_latency",
]
