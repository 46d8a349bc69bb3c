"""Group ids of texts and of examples, and what is none."""

import numpy as np
import pytest
from keras import ops

from semmatch.losses.group_ids import check_ids
from semmatch.losses.group_ids import check_texts
from semmatch.losses.group_ids import group_ids
from tests.checks import to_numpy


def vectors(texts):
    return ops.ones((2, texts, 5))


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_an_id_of_an_example_is_that_of_its_texts(shape):
    y_true = ops.reshape(ops.convert_to_tensor([4, 7]), shape)
    ids, of_texts = group_ids(y_true, vectors(3), "loss")
    assert to_numpy(ids).tolist() == [[4, 4, 4], [7, 7, 7]]
    assert not of_texts


@pytest.mark.parametrize("texts", [1, 3])
def test_each_text_may_have_its_own(texts):
    y_true = ops.reshape(ops.arange(2 * texts), (2, texts))
    ids, of_texts = group_ids(y_true, vectors(texts), "loss")
    assert to_numpy(ids).tolist() == to_numpy(y_true).tolist()
    assert of_texts


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (2, 3, 1)])
def test_other_shapes_are_refused(shape):
    message = rf"`loss` takes a group id.*\({shape[0]}, {shape[1]}.*\(2, 3, 5\)"
    with pytest.raises(ValueError, match=message):
        group_ids(ops.ones(shape), vectors(3), "loss")


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_integers_are_ids(dtype):
    assert to_numpy(check_ids(np.array([3, 5], dtype), "loss")).tolist() == [
        3,
        5,
    ]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bool"])
def test_anything_else_is_not(dtype):
    message = f"`loss` is a loss of lists.*dtype {dtype}.*`CoSENT`"
    with pytest.raises(ValueError, match=message):
        check_ids(np.array([0, 1], dtype), "loss")


@pytest.mark.parametrize("shape", [(2, 5), (2, 2, 5)])
def test_too_few_texts_are_refused(shape):
    check_texts(vectors(3), 3, "loss", "Do this.")
    with pytest.raises(ValueError, match="`loss` takes.*3 texts.*Do this."):
        check_texts(ops.ones(shape), 3, "loss", "Do this.")
