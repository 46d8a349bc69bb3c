"""From strings to features, against a packing by hand."""

import numpy as np
import pytest

from semmatch.models import CrossEncoderPreprocessor
from semmatch.models import preprocessor as preprocessor_module
from semmatch.tokenizers import Tokenizer
from tests.checks import json_round_trip
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import tiny_preprocessor


def ids(preprocessor, text):
    """BERT's ids of a text whose characters and marks are pieces."""
    vocabulary = preprocessor.tokenizer._rust.get_vocab()
    marks = {"^": "[CLS]", "|": "[SEP]", "_": "[PAD]"}
    return [vocabulary[marks.get(piece, piece)] for piece in text]


def test_a_pair_is_packed_as_bert_reads_it():
    preprocessor = tiny_preprocessor()
    features = preprocessor.pack(["取消", "还款借款"], ["借", "取消"])
    expected = [
        ids(preprocessor, "^取消|借|__"),
        ids(preprocessor, "^还款借款|取消|")[:9],
    ]
    expected = [
        row + ids(preprocessor, "_" * (16 - len(row))) for row in expected
    ]
    np.testing.assert_array_equal(features["token_ids"], expected)
    np.testing.assert_array_equal(features["padding_mask"].sum(axis=1), [6, 9])
    np.testing.assert_array_equal(
        features["segment_ids"],
        [[0] * 4 + [1] * 2 + [0] * 10, [0] * 6 + [1] * 3 + [0] * 7],
    )
    assert {array.dtype for array in features.values()} == {np.dtype("int32")}


def test_without_segments_there_is_no_such_feature():
    preprocessor = tiny_preprocessor(segments=False)
    assert preprocessor.feature_names == ["token_ids", "padding_mask"]
    assert list(preprocessor.pack(["a"], ["b"])) == preprocessor.feature_names
    assert tiny_preprocessor().feature_names[2:] == ["segment_ids"]


@pytest.mark.parametrize(
    ("truncation", "expected"),
    [("longest_first", "^取消|借款|"), ("only_second", "^取消借|款|")],
)
def test_the_length_is_kept_by_the_truncation_asked_for(truncation, expected):
    preprocessor = tiny_preprocessor(sequence_length=7, truncation=truncation)
    features = preprocessor.pack(["取消借"], ["款取消借"])
    if truncation == "longest_first":
        expected = "^取消|款取|"
    np.testing.assert_array_equal(
        features["token_ids"], [ids(preprocessor, expected)]
    )


def test_the_default_length_is_128():
    preprocessor = CrossEncoderPreprocessor(Tokenizer.train(["借"]))
    features = preprocessor.pack(["借" * 200], ["借" * 200])
    assert features["token_ids"].shape == (1, 128)


def test_the_config_gives_the_same_preprocessor_back():
    preprocessor = tiny_preprocessor(
        sequence_length=9, truncation="only_second", segments=False
    )
    again = json_round_trip(preprocessor)
    assert type(again) is CrossEncoderPreprocessor
    assert again.get_config() == preprocessor.get_config()
    assert again.tokenizer == preprocessor.tokenizer
    assert again.sequence_length == 9
    assert again.truncation == "only_second"
    assert again.segments is False
    texts = ["取消借款取消借款"], ["还款还款还款"]
    np.testing.assert_array_equal(
        again.pack(*texts)["token_ids"], preprocessor.pack(*texts)["token_ids"]
    )


@pytest.mark.parametrize(
    ("encoder", "preprocessor", "message"),
    [
        (
            {"max_sequence_length": 16},
            {"sequence_length": 17},
            "`sequence_length` must be at most 16 .*sequence_length=17",
        ),
        (
            {"vocabulary_size": 9},
            {},
            r"below the backbone's `vocabulary_size` of 9. Received a "
            r"tokenizer of \d+ ids",
        ),
        (
            {"num_segments": 0},
            {},
            "`segments` must be False.* no segment_ids.*segments=True",
        ),
        (
            {},
            {"segments": False},
            "`segments` must be True.* reads segment_ids.*segments=False",
        ),
    ],
)
def test_what_an_encoder_cannot_read_is_refused(encoder, preprocessor, message):
    with pytest.raises(ValueError, match=message):
        tiny_model(tiny_encoder(**encoder), tiny_preprocessor(**preprocessor))


def test_the_longest_input_and_the_last_id_are_admitted():
    preprocessor = tiny_preprocessor(sequence_length=16)
    size = preprocessor.tokenizer.vocabulary_size
    encoder = tiny_encoder(vocabulary_size=size, max_sequence_length=16)
    preprocessor.check_fits(encoder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequence_length": 4}, "`sequence_length` must be at least 5.*=4"),
        ({"truncation": "first"}, "`truncation` must be one of.*'first'"),
    ],
)
def test_other_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tiny_preprocessor(**options)


def test_lengths_are_those_of_the_packed_pairs(monkeypatch):
    # More pairs than are tokenised at once, some of them cut.
    monkeypatch.setattr(preprocessor_module, "CHUNK", 3)
    preprocessor = CrossEncoderPreprocessor.from_texts(
        ["怎么还款"], sequence_length=12
    )
    text_a = ["怎" * n for n in (1, 2, 9, 4, 0, 3, 1)]
    text_b = ["还" * n for n in (2, 8, 9, 1, 1, 0, 1)]
    packed = preprocessor.pack(text_a, text_b)["padding_mask"].sum(1)
    lengths = preprocessor.lengths(text_a, text_b)
    assert lengths.tolist() == packed.tolist()
    assert lengths.max() == 12
