"""Distances of inner tensors against their formulas in numpy."""

import numpy as np
import pytest

from semmatch.losses.intermediate import attention_distance
from semmatch.losses.intermediate import vector_distance
from tests.checks import to_numpy

RANDOM = np.random.default_rng(0)
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]])


def test_mse_of_vectors():
    one, two = RANDOM.normal(size=(2, 3, 4, 5))
    found = to_numpy(vector_distance(one, two, MASK, "mse"))
    squares = ((one - two) ** 2).mean(axis=-1)
    expected = [squares[0].mean(), squares[1, :2].mean(), 0.0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_cosine_of_vectors():
    one, two = RANDOM.normal(size=(2, 3, 4, 5))
    found = to_numpy(vector_distance(one, two, MASK, "cosine"))
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(two, axis=-1)
    apart = 1 - (one * two).sum(axis=-1) / lengths
    expected = [apart[0].mean(), apart[1, :2].mean(), 0.0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_mse_of_attention():
    one, two = RANDOM.normal(size=(2, 3, 2, 4, 4))
    found = to_numpy(attention_distance(one, two, MASK, "mse"))
    squares = (one - two) ** 2
    expected = [squares[0].mean(), squares[1, :, :2, :2].mean(), 0.0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def shares(scores):
    powers = np.exp(scores)
    return powers / powers.sum(axis=-1, keepdims=True)


def test_divergence_of_attention():
    student, teacher = RANDOM.normal(size=(2, 3, 2, 4, 4))
    found = to_numpy(attention_distance(student, teacher, MASK, "kl"))
    expected = []
    for row, real in enumerate([4, 2]):
        p = shares(teacher[row, :, :real, :real])
        q = shares(student[row, :, :real, :real])
        expected.append((p * np.log(p / q)).sum(axis=-1).mean())
    np.testing.assert_allclose(found, [*expected, 0.0], atol=1e-6)


@pytest.mark.parametrize("kind", ["mse", "kl"])
def test_of_other_numbers_of_heads_the_means_count(kind):
    student = RANDOM.normal(size=(3, 2, 4, 4))
    teacher = RANDOM.normal(size=(3, 6, 4, 4))
    found = to_numpy(attention_distance(student, teacher, MASK, kind))
    if kind == "mse":
        apart = (student.mean(axis=1) - teacher.mean(axis=1)) ** 2
        expected = apart[0].mean()
    else:
        p = shares(teacher[0]).mean(axis=0)
        q = shares(student[0]).mean(axis=0)
        expected = (p * np.log(p / q)).sum(axis=-1).mean()
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
