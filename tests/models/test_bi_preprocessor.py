"""From strings to the features of a bi-encoder, against packing by hand."""

import numpy as np
import pytest

from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.models import bi_preprocessor as module
from semmatch.models import BiEncoderPreprocessor
from semmatch.tokenizers import Tokenizer
from tests.checks import json_round_trip
from tests.checks import tiny_encoder
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor


def ids(preprocessor, text, columns):
    """BERT's ids of a text whose characters and marks are pieces."""
    vocabulary = preprocessor.tokenizer._rust.get_vocab()
    marks = {"^": "[CLS]", "|": "[SEP]", "_": "[PAD]"}
    text += "_" * (columns - len(text))
    return [vocabulary[marks.get(piece, piece)] for piece in text]


@pytest.mark.parametrize(
    "prompts", [{}, {"query_prompt": "如", "passage_prompt": "何还"}]
)
def test_each_text_is_packed_into_a_row_of_its_own(prompts):
    preprocessor = bi_preprocessor(**prompts)
    columns = ["取消", "还款借款还款借款"], ["借", "取消"], ["", "还"]
    features = preprocessor.pack(*columns)
    query, passage = prompts.values() if prompts else ("", "")
    expected = [
        [
            ids(preprocessor, f"^{prompt}{text}|", 16)
            for prompt, text in zip((query, passage, passage), row, strict=True)
        ]
        for row in zip(*columns, strict=True)
    ]
    np.testing.assert_array_equal(features["token_ids"], expected)
    lengths = [
        [2 + len(query + a), 2 + len(passage + b), 2 + len(passage + c)]
        for a, b, c in zip(*columns, strict=True)
    ]
    found = features["padding_mask"].sum(axis=-1)
    np.testing.assert_array_equal(found, lengths)
    assert not features["segment_ids"].any()
    assert {array.dtype for array in features.values()} == {np.dtype("int32")}


def test_rows_are_as_long_as_the_longest_text_rounded_up():
    preprocessor = bi_preprocessor()
    for longest, columns in ((1, 8), (6, 8), (7, 16)):
        features = preprocessor.pack(["借"], ["还" * longest])
        assert features["token_ids"].shape == (1, 2, columns)


def test_a_text_is_cut_at_its_end():
    preprocessor = bi_preprocessor(sequence_length=5, passage_prompt="如")
    features = preprocessor.pack(["取消还款借"], ["取消还款借"])
    expected = [
        ids(preprocessor, "^取消还|", 5),
        ids(preprocessor, "^如取消|", 5),
    ]
    np.testing.assert_array_equal(features["token_ids"], [expected])


def test_without_segments_there_is_no_such_feature():
    preprocessor = bi_preprocessor(segments=False)
    assert preprocessor.feature_names == ["token_ids", "padding_mask"]
    assert list(preprocessor.pack(["a"], ["b"])) == preprocessor.feature_names
    assert bi_preprocessor().feature_names[2:] == ["segment_ids"]


def test_no_examples_give_empty_features():
    shapes = {x.shape for x in bi_preprocessor().pack([], [], []).values()}
    assert shapes == {(0, 3, 0)}


@pytest.mark.parametrize(
    ("texts", "counts"),
    [((), r"\[\]"), ((["a"],), r"\[1\]"), ((["a", "b"], ["c"]), r"\[2, 1\]")],
)
def test_an_example_needs_two_texts(texts, counts):
    with pytest.raises(
        ValueError, match=f"two texts or more.*lists of {counts}"
    ):
        bi_preprocessor().pack(*texts)


def test_the_default_length_is_128():
    preprocessor = BiEncoderPreprocessor(Tokenizer.train(["借"]))
    features = preprocessor.pack(["借" * 200], ["借"])
    assert features["token_ids"].shape == (1, 2, 128)


def test_lengths_are_those_of_the_longest_text_of_each(monkeypatch):
    # More pairs than are tokenised at once.
    monkeypatch.setattr(module, "CHUNK", 3)
    preprocessor = bi_preprocessor(passage_prompt="如何")
    text_a = ["借" * n for n in (1, 2, 9, 4, 0, 3, 1)]
    text_b = ["还" * n for n in (2, 8, 9, 1, 1, 0, 1)]
    lengths = preprocessor.lengths(text_a, text_b)
    longest = [
        max(len(a), len(b) + 2) + 2 for a, b in zip(text_a, text_b, strict=True)
    ]
    assert lengths.tolist() == longest
    packed = preprocessor.pack(text_a, text_b)["padding_mask"].sum(axis=-1)
    assert packed.max(axis=1).tolist() == longest


def test_cut_texts_of_all_chunks_and_sides_are_told_at_once(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 2)
    preprocessor = bi_preprocessor(sequence_length=5)
    texts = ["借", "借", "借借借借"], ["还还还还还", "还", "还还还还"]
    with pytest.warns(UserWarning, match=r"3 of 6 texts \(50.0%\) .* = 5 tok"):
        preprocessor.lengths(*texts)
    preprocessor.lengths(*texts)  # a warning would be an error


@pytest.mark.parametrize("how", [{}, {"shuffle": True}, {"sort": True}])
def test_a_dataset_holds_what_is_packed(how):
    preprocessor = bi_preprocessor()
    text_a, text_b = ["借" * n for n in range(5)], ["还" * n for n in range(5)]
    pairs = Pairs(text_a, text_b, range(5))
    dataset = pair_dataset(pairs, preprocessor, batch_size=2, **how)
    spec = dataset.element_spec[0]["token_ids"]
    assert spec.shape.as_list() == [None, 2, None]
    seen = []
    for features, label in dataset.as_numpy_iterator():
        rows = label.tolist()
        expected = preprocessor.pack(
            [text_a[row] for row in rows], [text_b[row] for row in rows]
        )
        assert set(features) == set(expected)
        for name, feature in features.items():
            np.testing.assert_array_equal(feature, expected[name])
        seen += rows
    assert sorted(seen) == list(range(5))


def test_the_config_gives_the_same_preprocessor_back():
    preprocessor = bi_preprocessor(
        sequence_length=9,
        segments=False,
        query_prompt="query: ",
        passage_prompt="如何",
    )
    again = json_round_trip(preprocessor)
    assert type(again) is BiEncoderPreprocessor
    assert again.get_config() == preprocessor.get_config()
    assert again.tokenizer == preprocessor.tokenizer
    texts = ["取消借款取消借款"], ["还款还款还款"]
    np.testing.assert_array_equal(
        again.pack(*texts)["token_ids"], preprocessor.pack(*texts)["token_ids"]
    )


@pytest.mark.parametrize(
    ("encoder", "preprocessor", "message"),
    [
        ({}, {"sequence_length": 17}, "at most 16 .*sequence_length=17"),
        ({"vocabulary_size": 9}, {}, r"`vocabulary_size` of 9. Received a tok"),
        ({"num_segments": 0}, {}, "`segments` must be False.*segments=True"),
        ({}, {"segments": False}, "`segments` must be True.*segments=False"),
    ],
)
def test_what_an_encoder_cannot_read_is_refused(encoder, preprocessor, message):
    with pytest.raises(ValueError, match=message):
        bi_model(tiny_encoder(**encoder), bi_preprocessor(**preprocessor))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"sequence_length": 2},
            ValueError,
            "`sequence_length` .* least 3.*=2",
        ),
        ({"query_prompt": None}, TypeError, "`query_prompt` to be a string"),
        ({"passage_prompt": "\ud800"}, ValueError, "`passage_prompt`.*surrog"),
    ],
)
def test_other_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        bi_preprocessor(**options)


def test_the_report_counts_each_text_by_itself():
    preprocessor = BiEncoderPreprocessor.from_texts(
        ["取消还款"], sequence_length=5, query_prompt="取消"
    )
    pairs = Pairs(["还款", "还"], ["款", "取消还款"])
    tokens = pairs.report(preprocessor=preprocessor).tokens
    # Two special tokens each; the prompt is two tokens of the first texts.
    assert tokens.lengths.maximum == 6
    assert tokens.lengths.p50 == 6
    assert tokens.num_cut == 2
