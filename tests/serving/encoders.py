"""Encoders that need no model, whose vectors are easy to compute."""

import numpy as np

from semmatch import Scoring
from semmatch._records import Embedding

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class CountLetters:
    """The vector of a text is how often it has each letter, and a tenth.

    Args:
        scoring: `Scoring`, or None for that of the similarity.
        seed: int, how the letters are weighed; 0 for all alike.
        **embedding: of `Embedding`.
    """

    def __init__(self, scoring=None, seed=0, **embedding):
        self.embedding = Embedding(len(LETTERS), **embedding)
        similarity = self.embedding.similarity
        self.scoring = scoring or Scoring.for_similarity(similarity)
        self.weights = np.ones(len(LETTERS))
        if seed:
            self.weights = np.random.default_rng(seed).uniform(size=26)
        self.encoded = []

    def encode(self, texts, side):
        texts = list(texts)
        self.encoded.append((side, texts))
        return np.array(
            [self.vector(text, side) for text in texts], "float32"
        ).reshape(-1, len(LETTERS))

    def vector(self, text, side):
        text = getattr(self.embedding, f"{side}_prompt") + text
        counts = [text.count(letter) for letter in LETTERS]
        return (np.array(counts) + 0.1) * self.weights


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))
