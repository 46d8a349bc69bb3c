"""Encoders and the models that match texts with them."""

from semmatch.models.bi_encoder import BiEncoder
from semmatch.models.bi_preprocessor import BiEncoderPreprocessor
from semmatch.models.cross_encoder import CrossEncoder
from semmatch.models.preprocessor import CrossEncoderPreprocessor
from semmatch.models.presets import load_model
from semmatch.models.text_encoder import TextEncoder

__all__ = [
    "BiEncoder",
    "BiEncoderPreprocessor",
    "CrossEncoder",
    "CrossEncoderPreprocessor",
    "TextEncoder",
    "load_model",
]
