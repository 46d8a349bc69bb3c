"""Encoders and the models that match texts with them."""

from semmatch.models.cross_encoder import CrossEncoder
from semmatch.models.preprocessor import CrossEncoderPreprocessor
from semmatch.models.presets import load_model
from semmatch.models.text_encoder import TextEncoder

__all__ = [
    "CrossEncoder",
    "CrossEncoderPreprocessor",
    "TextEncoder",
    "load_model",
]
