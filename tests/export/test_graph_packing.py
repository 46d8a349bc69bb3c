"""Features of a graph are those of the packers."""

import numpy as np
import pytest
import tensorflow as tf

from semmatch.export.graph_packing import fill_template
from semmatch.export.graph_packing import kept_of_pairs
from semmatch.export.graph_packing import kept_of_texts
from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.packing import TRUNCATIONS
from semmatch.tokenizers.text_packing import TextPacker
from tests.checks import tiny_preprocessor

BERT = tiny_preprocessor().tokenizer


def xlm_roberta():
    """BERT's pieces in XLM-RoBERTa's template: two separators, one segment."""
    text = BERT.to_json().replace('"type_id": 1', '"type_id": 0')
    sep = '{"SpecialToken": {"id": "[SEP]", "type_id": 0}}'
    second = '{"Sequence": {"id": "B", "type_id": 0}}'
    text = text.replace(second, f"{sep}, {second}")
    tokenizer = Tokenizer(text)
    assert len(tokenizer.pair) == len(BERT.pair) + 1
    return tokenizer


TEMPLATES = {"BERT": BERT, "XLM-RoBERTa": xlm_roberta()}


def ids(seed, rows=200, longest=30):
    random = np.random.default_rng(seed)
    lengths = random.integers(0, longest, size=rows)
    return [random.integers(30, size=size).tolist() for size in lengths]


def ragged(rows):
    return tf.ragged.constant(rows, tf.int32, ragged_rank=1)


def assert_equal_features(found, expected):
    assert sorted(found) == sorted(expected)
    for name, values in expected.items():
        assert found[name].dtype == tf.int32
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("sequence_length", [6, 7, 13, 16, 40, 100])
def test_pairs_are_packed_as_by_the_packer(
    template, truncation, sequence_length
):
    tokenizer = TEMPLATES[template]
    packer = Packer(tokenizer, sequence_length, truncation=truncation)
    ids_a, ids_b = ids(0), ids(1)
    kept = kept_of_pairs(ragged(ids_a), ragged(ids_b), packer)
    found = fill_template(
        tokenizer.pair, dict(zip("AB", kept, strict=True)), packer
    )
    assert_equal_features(found, packer.pack_ids(ids_a, ids_b))


@pytest.mark.parametrize("sequence_length", [3, 8, 13, 100])
def test_texts_are_packed_as_by_the_packer(sequence_length):
    packer = TextPacker(BERT, sequence_length)
    rows = ids(2)
    kept = kept_of_texts(ragged(rows), packer)
    found = fill_template(BERT.single, {"A": kept}, packer)
    assert_equal_features(found, packer.pack_ids(rows))


@pytest.mark.parametrize("rows", [0, 1])
def test_few_and_empty_rows_are_packed(rows):
    packer = Packer(BERT, 16)
    empty = ragged([[]] * rows)
    kept = kept_of_pairs(empty, empty, packer)
    found = fill_template(BERT.pair, dict(zip("AB", kept, strict=True)), packer)
    # No row is as long as the shortest, for a model that counts rows by it.
    expected = packer.pack_ids([[]], [[]])
    expected = {name: array[:rows] for name, array in expected.items()}
    assert_equal_features(found, expected)
