"""Tokenizers and packing, without TensorFlow or Keras."""

from semmatch.tokenizers.normalizer import TextNormalizer
from semmatch.tokenizers.packing import Packer
from semmatch.tokenizers.tokenizer import Tokenizer
from semmatch.tokenizers.trimming import trim_vocabulary

__all__ = ["Packer", "TextNormalizer", "Tokenizer", "trim_vocabulary"]
