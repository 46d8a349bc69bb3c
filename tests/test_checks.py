"""Checks return what they admit and explain what they refuse."""

import json

import numpy as np
import pytest

from semmatch._checks import check_one_of
from semmatch._checks import check_positive
from semmatch._checks import check_positive_int
from semmatch._checks import check_seed


def test_an_allowed_value_is_returned():
    value = "".join(["me", "an"])
    assert check_one_of(value, ("cls", "mean"), "pooling") is value


@pytest.mark.parametrize("allowed", [("b", "a"), {"b", "a"}, {"b": 1, "a": 2}])
def test_another_value_is_refused_with_the_sorted_choices(allowed):
    message = r"`pooling` must be one of \['a', 'b'\]. Received: pooling='c'."
    with pytest.raises(ValueError, match=message):
        check_one_of("c", allowed, "pooling")


def test_an_unhashable_value_is_refused_with_the_same_words():
    with pytest.raises(ValueError, match=r"Received: pooling=\['a'\]"):
        check_one_of(["a"], {"a"}, "pooling")


def test_choices_of_several_types_can_be_listed():
    with pytest.raises(ValueError, match=r"one of \[None, 'int8'\]"):
        check_one_of("int4", ("int8", None), "quantize")


@pytest.mark.parametrize("value", [1, 64, np.int64(7), np.uint8(3)])
def test_a_positive_integer_comes_back_as_int(value):
    result = check_positive_int(value, "batch_size")
    assert result == value
    assert json.dumps(result) == str(int(value))


@pytest.mark.parametrize(
    "value", [0, -1, True, np.True_, np.int32(0), 8.0, "8", None]
)
def test_anything_else_is_no_positive_integer(value):
    message = "`batch_size` must be an integer of at least 1. Received: "
    with pytest.raises(ValueError, match=message) as error:
        check_positive_int(value, "batch_size")
    assert repr(value) in str(error.value)


@pytest.mark.parametrize("value", [0, 7, 2**63 - 1, np.int64(7), np.uint8(0)])
def test_a_seed_comes_back_as_int(value):
    result = check_seed(value)
    assert result == value
    assert json.dumps(result) == str(int(value))


@pytest.mark.parametrize(
    "value", [-1, np.int32(-1), 2**63, np.uint64(2**63), True, 1.5, "7", None]
)
def test_anything_else_is_no_seed(value):
    message = r"`seed` must be an integer from 0 to .*63 - 1. Received: seed="
    with pytest.raises(ValueError, match=message) as error:
        check_seed(value)
    assert repr(value) in str(error.value)


def test_a_seed_may_be_optional():
    assert check_seed(None, optional=True) is None
    assert check_seed(3, optional=True) == 3
    with pytest.raises(ValueError, match="63 - 1, or None. Received: seed=-1"):
        check_seed(-1, optional=True)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(2), 1e-300])
def test_a_number_above_zero_is_returned(value):
    assert check_positive(value, "margin") is value


@pytest.mark.parametrize("value", [0, -0.5, float("inf"), float("nan")])
def test_any_other_number_is_not_above_zero(value):
    message = f"`margin` must be a finite number above 0.*margin={value!r}"
    with pytest.raises(ValueError, match=message):
        check_positive(value, "margin")
