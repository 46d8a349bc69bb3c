"""Single texts in rows, by formula and as the Rust library cuts them."""

import numpy as np
import pytest
import tokenizers
from tokenizers import models
from tokenizers import pre_tokenizers
from tokenizers import processors

from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.packing import Loss
from semmatch.tokenizers.text_packing import TextPacker

CLS, SEP, UNKNOWN, PAD = 0, 1, 2, 7
VOCABULARY = {"[CLS]": CLS, "[SEP]": SEP, "[UNK]": UNKNOWN, "[PAD]": PAD} | {
    f"a{index}": 10 + index for index in range(60)
}
# Special ids before and after the text, and the segment of each.
TEMPLATES = {
    "[CLS]:0 $A:0 [SEP]:0": ([CLS], [SEP], 0),
    "[CLS]:1 $A:1 [SEP]:1 [SEP]:1": ([CLS], [SEP, SEP], 1),
    "$A:0 [SEP]:0": ([], [SEP], 0),
}
BERT = "[CLS]:0 $A:0 [SEP]:0"


def rust(single=BERT):
    tokenizer = tokenizers.Tokenizer(models.WordLevel(VOCABULARY, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single,
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    return tokenizer


def packer(sequence_length, single=BERT, **kwargs):
    tokenizer = Tokenizer(rust(single).to_str())
    return TextPacker(tokenizer, sequence_length, **kwargs)


def text(length):
    return " ".join(f"a{index}" for index in range(length))


LENGTHS = [0, 1, 5, 6, 7, 13, 14, 15, 30, 59]


@pytest.mark.parametrize("single", TEMPLATES)
@pytest.mark.parametrize("sequence_length", [5, 8, 16, 21, 64])
def test_a_row_is_the_text_between_special_tokens(single, sequence_length):
    some = packer(sequence_length, single)
    packed = some.pack_ids(some.tokenize(list(map(text, LENGTHS))))
    first, last, segment = TEMPLATES[single]
    room = sequence_length - len(first) - len(last)
    rows = [
        [*first, *range(10, 10 + min(length, room)), *last]
        for length in LENGTHS
    ]
    columns = min(-(-max(map(len, rows)) // 8) * 8, sequence_length)
    for name, fill in (("token_ids", PAD), ("segment_ids", 0)):
        expected = [
            (row if name == "token_ids" else [segment] * len(row))
            + [fill] * (columns - len(row))
            for row in rows
        ]
        np.testing.assert_array_equal(packed[name], expected)
    real = [[1] * len(row) + [0] * (columns - len(row)) for row in rows]
    np.testing.assert_array_equal(packed["padding_mask"], real)
    assert {array.dtype for array in packed.values()} == {np.dtype("int32")}
    reference = rust(single)
    reference.enable_truncation(sequence_length)
    cut = reference.encode_batch(list(map(text, LENGTHS)))
    assert rows == [row.ids for row in cut]


@pytest.mark.parametrize("multiple", [1, 4, 8])
def test_lengths_count_the_real_tokens_and_the_columns(multiple):
    some = packer(21, multiple=multiple)
    ids = some.tokenize(list(map(text, LENGTHS)))
    lengths = some.lengths(ids)
    packed = some.pack_ids(ids)
    np.testing.assert_array_equal(lengths, packed["padding_mask"].sum(axis=1))
    alone = [some.pack_ids([row])["token_ids"].shape[1] for row in ids]
    assert some.padded_lengths(lengths).tolist() == alone
    rounded = -(-lengths // multiple) * multiple
    assert alone == np.minimum(rounded, 21).tolist()


def test_a_prompt_stands_before_each_text():
    some = packer(16)
    found = some.tokenize(["a1", "", "a2 a3"], prompt="a9 a8 ")
    assert found == some.tokenize(["a9 a8 a1", "a9 a8", "a9 a8 a2 a3"])
    assert some.tokenize(["a1"]) == [[11]]


def test_no_texts_give_empty_arrays():
    packed = packer(16).pack_ids([])
    assert {array.shape for array in packed.values()} == {(0, 0)}


@pytest.mark.parametrize(
    ("single", "shortest"), list(zip(TEMPLATES, (3, 4, 2), strict=True))
)
def test_the_length_must_hold_the_special_tokens(single, shortest):
    packer(shortest, single)
    message = f"must be at least {shortest}.*sequence_length={shortest - 1}"
    with pytest.raises(ValueError, match=message):
        packer(shortest - 1, single)


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        (["a1", None], TypeError, "text 1 to be a string. Received: None"),
        (["a\ud800"], ValueError, "text 0.*lone surrogate"),
    ],
)
def test_what_is_no_text_is_refused(texts, error, message):
    with pytest.raises(error, match=message):
        packer(16).tokenize(texts)


def test_what_is_lost_is_counted():
    loss = packer(8).loss([[10] * 6, [10] * 7, [2, 10, 2], []])
    assert loss == Loss(pairs=4, cut=1, tokens=16, unknown=2)


def test_what_is_cut_is_told_once():
    some = packer(8)
    with pytest.warns(UserWarning, match=r"3 of 1,000 texts \(0.3%\).* = 8 to"):
        some.warn_of(Loss(1000, 3, 9000, 0))
    some.warn_of(Loss(1000, 3, 9000, 0))


def test_unknown_tokens_are_told_once_from_two_percent_on():
    some = packer(8)
    some.warn_of(Loss(10, 0, 999, 999))  # too few to tell
    some.warn_of(Loss(100, 0, 1000, 20))
    with pytest.warns(UserWarning, match="2.1% of the tokens are unknown"):
        some.warn_of(Loss(100, 0, 1000, 21))
    some.warn_of(Loss(100, 0, 1000, 21))
