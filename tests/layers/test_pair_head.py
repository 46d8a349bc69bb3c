"""The head of pairs of vectors."""

import numpy as np
import pytest

from semmatch.layers import PairHead
from tests.checks import randomise
from tests.checks import to_numpy


def test_it_equals_its_formula():
    embeddings = np.random.default_rng(0).normal(size=(5, 3, 4))
    embeddings = embeddings.astype("float32")
    head = PairHead(3)
    head.build((None, 3, 4))
    randomise(head, seed=1)
    kernel, bias = map(to_numpy, head.dense.weights)
    assert kernel.shape == (16, 3)
    u, v = embeddings[:, 0], embeddings[:, 1]
    features = np.concatenate([u, v, np.abs(u - v), u * v], axis=1)
    np.testing.assert_allclose(
        to_numpy(head(embeddings)), features @ kernel + bias, rtol=1e-4
    )


def test_one_class_is_no_choice():
    with pytest.raises(ValueError, match="two classes or more.*num_classes=1"):
        PairHead(1)
