"""RoBERTa's positions and segments become those of `TextEncoder`."""

import json

import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.checkpoints import read_checkpoint
from semmatch.checkpoints import sequence_length
from semmatch.checkpoints.tensors import open_tensors
from tests.checkpoints.tiny import FIXTURES
from tests.checkpoints.tiny import rewritten

BASE = FIXTURES / "roberta_tiny"
TWO_SEGMENTS = FIXTURES / "roberta_tiny_1"
CLASSIFIER = FIXTURES / "roberta_tiny_3"
POSITIONS = "embeddings.position_embeddings.weight"
SEGMENTS = "embeddings.token_type_embeddings.weight"


def test_positions_begin_after_that_of_padding():
    checkpoint = read_checkpoint(BASE)
    tensors = open_tensors(BASE)
    assert tensors[POSITIONS].shape == (32, 8)
    # pad_token_id is 1: rows 0 and 1 are those of no token.
    np.testing.assert_array_equal(
        checkpoint.tensors["position_embedding/embeddings"],
        tensors[POSITIONS][2:] + tensors[SEGMENTS],
    )
    assert checkpoint.config["max_sequence_length"] == 30
    assert checkpoint.sequence_length == sequence_length(BASE) == 30
    assert {POSITIONS, SEGMENTS} <= set(checkpoint.report.used)


def test_padding_with_another_id_moves_the_positions(tmp_path):
    folder = rewritten(tmp_path, BASE, config={"pad_token_id": 4})
    checkpoint = read_checkpoint(folder)
    assert checkpoint.config["max_sequence_length"] == 27
    expected = read_checkpoint(BASE).tensors["position_embedding/embeddings"]
    moved = checkpoint.tensors["position_embedding/embeddings"]
    np.testing.assert_array_equal(moved, expected[3:])


def test_without_an_id_it_is_that_of_transformers(tmp_path):
    folder = rewritten(tmp_path, BASE, config={"pad_token_id": ...})
    assert sequence_length(folder) == 30


def test_an_id_that_is_no_number_is_refused(tmp_path):
    folder = rewritten(tmp_path, BASE, config={"pad_token_id": None})
    message = "config.json: pad_token_id must be a number.*pad_token_id=None"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(folder)


@pytest.mark.parametrize(
    ("limit", "expected"), [(12, 12), (31, 30), (512, 30), (int(1e30), 30)]
)
def test_the_tokenizers_limit_counts_where_it_is_lower(
    tmp_path, limit, expected
):
    folder = rewritten(tmp_path, BASE)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({"model_max_length": limit}))
    assert read_checkpoint(folder).sequence_length == expected


def test_one_segment_is_no_input():
    model = CrossEncoder.from_preset(CLASSIFIER)
    assert sorted(model.backbone.input) == ["padding_mask", "token_ids"]
    assert not model.preprocessor.segments


def test_several_segments_stay_an_input():
    checkpoint = read_checkpoint(TWO_SEGMENTS)
    assert checkpoint.config["num_segments"] == 2
    tensors = open_tensors(TWO_SEGMENTS)
    np.testing.assert_array_equal(
        checkpoint.tensors["segment_embedding/embeddings"],
        tensors[f"roberta.{SEGMENTS}"],
    )
    np.testing.assert_array_equal(
        checkpoint.tensors["position_embedding/embeddings"],
        tensors[f"roberta.{POSITIONS}"][2:],
    )
    assert CrossEncoder.from_preset(TWO_SEGMENTS).preprocessor.segments


def test_the_classifiers_own_layer_comes_before_the_pooler(tmp_path):
    # transformers before 3.0 stored both.
    zeros = np.zeros((8, 8), "float32")
    poolers = {
        "roberta.pooler.dense.weight": zeros,
        "roberta.pooler.dense.bias": zeros[0],
    }
    both = read_checkpoint(rewritten(tmp_path, CLASSIFIER, tensors=poolers))
    alone = read_checkpoint(CLASSIFIER)
    np.testing.assert_array_equal(
        both.tensors["pooler/kernel"], alone.tensors["pooler/kernel"]
    )
    assert both.num_classes == 3
    reason = "another dense layer takes its place"
    assert both.report.unused == dict.fromkeys(poolers, reason)
