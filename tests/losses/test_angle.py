"""AnglE against numpy's complex numbers."""

import numpy as np
import pytest

from semmatch.losses import AnglE
from tests.losses.vectors import assert_close
from tests.losses.vectors import embeddings
from tests.losses.vectors import precise
from tests.losses.vectors import values

LABELS = np.array([0, 1, 1, 0, 2, 1])


def angle(a, b):
    """|real + imaginary part| of the complex product over the lengths."""
    a, b = (np.append(x, 0.0)[: len(x) + len(x) % 2] for x in (a, b))
    half = len(a) // 2
    first = a[:half] + 1j * a[half:]
    other = b[:half] + 1j * b[half:]
    product = np.vdot(other, first)
    lengths = np.linalg.norm(first) * np.linalg.norm(other)
    return abs(product.real + product.imag) / lengths


def by_loops(labels, vectors, scale=20.0, weights=None):
    weights = np.ones(len(labels)) if weights is None else weights
    similar = [angle(row[0], row[1]) for row in vectors]
    total = 1.0
    for i in range(len(labels)):
        for j in range(len(labels)):
            if labels[i] > labels[j]:
                term = np.exp(scale * (similar[j] - similar[i]))
                total += weights[i] * weights[j] * term
    return np.log(total)


@pytest.mark.parametrize("dim", [1, 4, 5])
@pytest.mark.parametrize("scale", [0.5, 20.0])
@pytest.mark.parametrize("texts", [2, 3])
def test_it_is_the_formula(dim, scale, texts):
    vectors = embeddings(texts=texts, dim=dim)
    expected = by_loops(LABELS, vectors, scale)
    found = values(AnglE(scale), LABELS, vectors)
    assert_close(found, [expected] * 6)


def test_the_default_is_a_scale_of_20():
    expected = by_loops(LABELS, embeddings(), 20.0)
    assert_close(precise(AnglE())(LABELS[:, None], embeddings()), expected)


def test_the_order_of_the_two_texts_counts():
    vectors = embeddings(dim=4)
    turned = vectors[:, ::-1]
    one, two = (values(AnglE(), LABELS, x)[0] for x in (vectors, turned))
    assert abs(one - two) > 0.1
    assert_close(two, by_loops(LABELS, turned))


@pytest.mark.parametrize("weights", [[1, 2, 0, 3, 1, 0], [0.5] * 6])
def test_a_weight_multiplies_the_terms_of_a_pair(weights):
    weights = np.array(weights, "float64")
    expected = by_loops(LABELS, embeddings(), 2.0, weights)
    found = precise(AnglE(2.0))(LABELS, embeddings(), weights)
    assert_close(found, expected)


def test_another_scale_is_refused():
    with pytest.raises(ValueError, match="`scale` must be a finite.*scale=0"):
        AnglE(0)
