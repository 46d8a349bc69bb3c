"""Tokenizers and packing, without TensorFlow or Keras."""

from semmatch.tokenizers.packing import Packer
from semmatch.tokenizers.tokenizer import Tokenizer

__all__ = ["Packer", "Tokenizer"]
