"""Vectors of fewer bytes against arithmetic, and vectors that are none."""

import numpy as np
import pytest

from semmatch._similarity import SIMILARITIES
from semmatch._similarity import similarity_matrix
from semmatch.serving.precision import check_finite
from semmatch.serving.precision import check_precision
from semmatch.serving.precision import PRECISIONS
from semmatch.serving.precision import to_precision
from tests.serving.test_embedding_scorer import make
from tests.serving.test_embedding_scorer import SIZE
from tests.serving.test_embedding_scorer import vector

TEXTS = ["借款", "怎么取消", "", "如何还清借款"]


def vectors(rows, dim, seed=0):
    """Vectors of lengths from 1e-4 to 1e4, one of them nearly on an axis."""
    generator = np.random.default_rng(seed)
    found = generator.normal(size=(rows, dim))
    found[0, 0] = 300
    return (found * np.logspace(-4, 4, rows)[:, None]).astype("float32")


def test_int8_is_a_share_of_the_largest_component():
    found = to_precision(vectors(9, 48), "int8")
    assert found.dtype == np.int8
    largest = np.abs(vectors(9, 48)).max(axis=1, keepdims=True)
    exact = vectors(9, 48).astype("float64") / largest * 127
    assert np.abs(found - exact).max() <= 0.5 + 1e-5
    np.testing.assert_array_equal(np.abs(found).max(axis=1), 127)
    assert found.min() >= -127  # so that a vector and its opposite are alike
    np.testing.assert_array_equal(to_precision(-vectors(9, 48), "int8"), -found)


def test_the_angle_of_int8_is_bounded_by_its_rounding():
    exact = vectors(50, 384)
    found = to_precision(exact, "int8")
    # Half a step in each dimension, at most, of a vector this long.
    largest = np.abs(exact).max(axis=1)
    lengths = np.linalg.norm(exact, axis=1) / largest * 127
    angles = np.arcsin(np.sqrt(384) / 2 / lengths)
    own = np.diag(similarity_matrix(exact, found))
    assert (own >= np.cos(angles) - 1e-6).all()
    assert (own < 1 - 1e-6).any()  # it was rounded
    difference = similarity_matrix(found, found) - similarity_matrix(
        exact, exact
    )
    assert (np.abs(difference) <= angles + angles[:, None] + 1e-6).all()
    assert np.abs(difference[1:, 1:]).max() < 0.002


@pytest.mark.parametrize("precision", PRECISIONS)
def test_zeros_stay_zeros_and_no_vectors_none(precision):
    found = to_precision(np.zeros((2, 3), "float32"), precision)
    assert found.dtype == precision
    np.testing.assert_array_equal(found, 0)
    assert to_precision(np.empty((0, 3), "float32"), precision).shape == (0, 3)


def test_vectors_near_the_ends_of_float32_are_scaled():
    ends = np.array([[1e-44, 0], [3e38, -3e38]], "float32")
    found = to_precision(ends, "int8")
    assert found.tolist() == [[127, 0], [127, -127]]


def test_float16_is_numpys_and_ends_where_it_ends():
    exact = vectors(9, 48)
    found = to_precision(exact, "float16")
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, exact, rtol=2**-11, atol=2**-25)
    message = r'float16 ends at 65504.*component of 7e\+04. Take precision="fl'
    with pytest.raises(ValueError, match=message):
        to_precision(np.array([[1, 2], [3, -7e4]], "float32"), "float16")


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_int8_is_for_cosines_alone(similarity):
    for precision in ("float32", "float16"):
        assert check_precision(precision, similarity) == precision
    scorer = make(similarity=similarity, normalize=True)
    if similarity == "cosine":
        assert scorer.encode(TEXTS, precision="int8").dtype == np.int8
        return
    message = f"direction .* not its length.*similarity='{similarity}'. Take"
    with pytest.raises(ValueError, match=message):
        scorer.encode(TEXTS, precision="int8")
    assert scorer.run.shapes == []


@pytest.mark.parametrize("precision", ["float64", "INT8", None])
def test_another_precision_is_refused(precision):
    scorer = make()
    message = f"`precision` must be one of.*precision={precision!r}"
    with pytest.raises(ValueError, match=message):
        scorer.encode(TEXTS, precision=precision)
    with pytest.raises(ValueError, match=message):
        to_precision(np.zeros((1, 2), "float32"), precision)
    assert scorer.run.shapes == []


@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.parametrize("dim", [None, 5])
@pytest.mark.parametrize(
    ("precision", "bytes_"), [("float32", 4), ("float16", 2), ("int8", 1)]
)
def test_texts_are_encoded_in_a_precision(batch_size, dim, precision, bytes_):
    found = make().encode(
        TEXTS, batch_size=batch_size, truncate_dim=dim, precision=precision
    )
    width = dim or SIZE
    assert (found.shape, found.dtype) == ((4, width), precision)
    assert found.nbytes == 4 * width * bytes_
    # Cut first: what is left has its own largest component.
    exact = np.array([vector(text)[:width] for text in TEXTS])
    if precision == "int8":
        exact = exact / exact.max(axis=1, keepdims=True) * 127
    tolerance = {"float32": 1e-6, "float16": 2e-3, "int8": 0.51}[precision]
    np.testing.assert_allclose(found, exact, atol=tolerance)


def test_one_text_has_a_precision_too():
    found = make().encode("借款", precision="int8", truncate_dim=6)
    assert (found.shape, found.dtype) == ((6,), np.int8)


def test_similarities_of_int8_are_about_those_of_float32():
    scorer = make()
    exact = scorer.encode(TEXTS)
    small = scorer.encode(TEXTS, precision="int8")
    found = scorer.similarity(small, exact)
    assert found.dtype == np.float32
    cosines = [
        [a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b)) for b in map(vector, TEXTS)]
        for a in map(vector, TEXTS)
    ]
    np.testing.assert_allclose(found, cosines, atol=0.01)
    np.testing.assert_allclose(
        scorer.similarity(exact, exact), cosines, atol=1e-6
    )


def broken(value, *places):
    """A scorer whose encoder gives `value` for texts of so many tokens."""
    scorer = make()
    count = scorer.run

    def run(features):
        found = count(features)
        for row, mask in enumerate(features["padding_mask"]):
            if mask.sum() in places:
                found[row, 3] = value
        return found

    scorer.run = run
    return scorer


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_vectors_that_are_not_finite_name_the_first_text(value, precision):
    # Without [CLS] and [SEP] of 2 and of 6 tokens, which come first.
    scorer = broken(value, 4, 8)
    message = r'NaN or infinity for 2 of 4 texts.* \'借款\'.*dtype="float32"'
    with pytest.raises(ValueError, match=message):
        scorer.encode(["怎么取消", *TEXTS[:2], TEXTS[3]], precision=precision)
    assert scorer.encode([TEXTS[1]]).shape == (1, SIZE)


def test_a_score_is_never_of_such_a_vector():
    scorer = broken(np.nan, 4)
    with pytest.raises(ValueError, match="for 1 of 2 texts, .*'借款'"):
        scorer.score([("怎么取消", "借款")])
    with pytest.raises(ValueError, match="the first of them '借款'"):
        scorer.rank("借款", ["怎么取消"])


def test_a_long_text_is_named_by_its_beginning():
    with pytest.raises(ValueError, match=r"of them '借+\.{3}借+'\."):
        check_finite(np.array([[np.nan]]), ["借" * 200])
    with pytest.raises(ValueError, match=f"'{'借' * 60}'"):
        check_finite(np.array([[np.nan]]), ["借" * 60])
