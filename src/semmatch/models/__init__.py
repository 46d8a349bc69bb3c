"""Encoders and the models that match texts with them."""

from semmatch.models.bi_encoder import BiEncoder
from semmatch.models.bi_preprocessor import BiEncoderPreprocessor
from semmatch.models.cross_encoder import CrossEncoder
from semmatch.models.distillation_model import DistillationModel
from semmatch.models.ensemble import Ensemble
from semmatch.models.layer_match import LayerMatch
from semmatch.models.preprocessor import CrossEncoderPreprocessor
from semmatch.models.presets import load_model
from semmatch.models.student import student_from
from semmatch.models.text_encoder import TextEncoder

__all__ = [
    "BiEncoder",
    "BiEncoderPreprocessor",
    "CrossEncoder",
    "CrossEncoderPreprocessor",
    "DistillationModel",
    "Ensemble",
    "LayerMatch",
    "TextEncoder",
    "load_model",
    "student_from",
]
