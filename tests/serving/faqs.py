"""An FAQ, what is asked, and what has to be found."""

import numpy as np

from semmatch import FAQIndex
from tests.serving.encoders import cosine
from tests.serving.encoders import CountLetters

FAQ = {
    "repay": ["how to repay", "pay money back", "settle a loan"],
    "cancel": ["cancel an order"],
    7: ["open hours", "when is it open"],
    "address": ["change my address", "moved house"],
}
QUERIES = ["how can i repay", "is it open now", "new address", "cancel"]
KINDS = {
    "numpy": {},
    "flat": {"factory": "Flat"},
    "graph": {"factory": "HNSW16"},
    "cells": {"factory": "IVF2,Flat", "search_parameters": "nprobe=2"},
}


def make(faq=FAQ, kind=None, encoder=None, **options):
    index = FAQIndex(encoder or CountLetters(**options), **(kind or {}))
    index.add_many(faq)
    return index


def expected(query, faq, encoder=None):
    """For each answer its best phrasing and cosine, best first."""
    encoder = encoder or CountLetters()
    asked = encoder.vector(query, "query")
    best = []
    for id, phrasings in faq.items():
        scores = [
            (cosine(asked, encoder.vector(text, "passage")), text)
            for text in phrasings
        ]
        best.append((id, *max(scores)))
    return sorted(best, key=lambda answer: -answer[1])


def assert_finds(index, faq, top_k=3):
    for query, answers in zip(
        QUERIES, index.search_many(QUERIES, top_k), strict=True
    ):
        best = expected(query, faq, index.encoder)[:top_k]
        assert [a.id for a in answers] == [id for id, _, _ in best]
        assert [a.text for a in answers] == [text for _, _, text in best]
        np.testing.assert_allclose(
            [a.score for a in answers],
            [(1 + similarity) / 2 for _, similarity, _ in best],
            atol=1e-6,
        )
        assert index.search(query, top_k) == answers
