"""Equal contents have equal hashes, and others others."""

import hashlib

import numpy as np
import pytest

from semmatch.data import content_hash as module
from semmatch.data.content_hash import content_hash

CONTENTS = [
    None,
    [],
    ["借款", "还"],
    ["借", "款还"],
    ["借款还"],
    [["借款", "还"]],
    [["借款"], ["还"]],
    [["借款", "还"], []],
    {"text": ["借款", "还"]},
    {"other": ["借款", "还"]},
    np.array([1, 2]),
    np.array([1.0, 2.0]),
    np.array([[1, 2]]),
    [np.array([1, 2]), None],
    [np.array([1]), np.array([2])],
]


def test_all_contents_differ():
    found = [content_hash(contents) for contents in CONTENTS]
    assert len(set(found)) == len(CONTENTS)
    assert found == [content_hash(contents) for contents in CONTENTS]


def test_it_is_the_sha256_of_lengths_and_texts():
    expected = hashlib.sha256()
    for part in (
        b"texts ",
        b"<i8 (2,) ",
        np.array([2, 1], "<i8").tobytes(),
        "借款还".encode(),
    ):
        expected.update(part)
    assert content_hash(["借款", "还"]) == expected.hexdigest()


def test_byte_order_and_chunks_make_no_difference(monkeypatch):
    numbers = np.arange(5)
    swapped = numbers.astype(numbers.dtype.newbyteorder(">"))
    assert content_hash(numbers) == content_hash(swapped)
    texts = [str(n) for n in range(100)]
    whole = content_hash(texts)
    monkeypatch.setattr(module, "_CHUNK", 7)
    assert content_hash(texts) == whole


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_order_of_a_dict_makes_no_difference(order):
    values = {"a": ["借"], "b": np.arange(2)}
    found = content_hash({name: values[name] for name in order})
    assert found == content_hash(values)
