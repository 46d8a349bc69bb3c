"""Tokenizers and packing, without TensorFlow or Keras."""

from semmatch.tokenizers.normalizer import TextNormalizer
from semmatch.tokenizers.packing import Packer
from semmatch.tokenizers.tokenizer import Tokenizer

__all__ = ["Packer", "TextNormalizer", "Tokenizer"]
