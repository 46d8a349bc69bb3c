"""Vectors to search, the kinds of index, and what each has to find."""

import numpy as np

DIM = 8
# Tuned to look at all vectors, so that they find what there is.
KINDS = {
    "numpy": {},
    "flat": {"factory": "Flat"},
    "graph": {"factory": "HNSW16", "search_parameters": "efSearch=300"},
    "cells": {"factory": "IVF8,Flat", "search_parameters": "nprobe=8"},
    "rotated": {"factory": "RR8,IVF8,Flat", "search_parameters": "nprobe=8"},
}
SIMILARITIES = ("cosine", "dot", "euclidean")


def normal(rows, seed=0, dim=DIM):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, dim)).astype("float32")


VECTORS, QUERIES = normal(400), normal(12, seed=1)


def all_similarities(queries, vectors, similarity):
    """By definition, in float64."""
    if similarity == "cosine":
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    if similarity in ("cosine", "dot"):
        return (queries[:, None] * vectors).sum(axis=2)
    order = {"euclidean": 2, "manhattan": 1}[similarity]
    differences = np.abs(queries[:, None] - vectors)
    return -((differences**order).sum(axis=2) ** (1 / order))


def expected(queries, vectors, similarity, rows=None):
    """Similarities and rows best first, of the vectors at `rows`."""
    rows = np.arange(len(vectors)) if rows is None else np.asarray(rows)
    queries = np.asarray(queries, "float64")
    vectors = np.asarray(vectors, "float64")[rows]
    scores = all_similarities(queries, vectors, similarity)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(scores, order, axis=1), rows[order]


def assert_finds(index, queries, vectors, rows=None, k=10):
    scores, order = expected(queries, vectors, index.similarity, rows)
    similarities, found = index.search(queries, k)
    assert (similarities.dtype, found.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(found, order[:, :k])
    np.testing.assert_allclose(similarities, scores[:, :k], 1e-5, 1e-6)
