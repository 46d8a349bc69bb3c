"""Packing against the truncation and padding of the Rust library."""

import itertools
import random

import numpy as np
import pytest
import tokenizers
from tokenizers import models
from tokenizers import pre_tokenizers
from tokenizers import processors

from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.packing import Loss

PAD = 7
WORDS = [f"{text}{index}" for text in "ab" for index in range(60)]
VOCABULARY = {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "[PAD]": PAD} | {
    word: 10 + index for index, word in enumerate(WORDS)
}
SPECIALS = [("[CLS]", 0), ("[SEP]", 1)]
PAIRS = {
    "three specials": "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
    "four specials": "[CLS] $A [SEP] [SEP] $B [SEP]",
    "none": "$A:0 $B:1",
    "second first": "[CLS]:0 $B:1 [SEP]:1 $A:0",
}


def rust(pair="three specials"):
    tokenizer = tokenizers.Tokenizer(models.WordLevel(VOCABULARY, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=PAIRS[pair], special_tokens=SPECIALS
    )
    return tokenizer


def packer(sequence_length, pair="three specials", **kwargs):
    tokenizer = Tokenizer(rust(pair).to_str())
    return Packer(tokenizer, sequence_length, **kwargs)


def text(side, length):
    return " ".join(f"{side}{index}" for index in range(length))


def texts_of_many_lengths():
    """Pairs both empty, one empty, short, and both far too long."""
    generator = random.Random(0)
    lengths = [(0, 0), (0, 60), (60, 0), (60, 60), (1, 60), (60, 1)]
    lengths += [(n, n + d) for n in range(12) for d in (-1, 0, 1) if n + d >= 0]
    lengths += [
        (generator.randrange(longest), generator.randrange(longest))
        for longest in (8, 20, 61)
        for _ in range(100)
    ]
    return [text("a", a) for a, _ in lengths], [
        text("b", b) for _, b in lengths
    ]


def rows(packed, name):
    """The real tokens' values of each row, as lists."""
    lengths = packed["padding_mask"].sum(axis=1)
    return [
        row[:length].tolist()
        for row, length in zip(packed[name], lengths, strict=True)
    ]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("sequence_length", [6, 7, 8, 16, 21, 64, 128])
def test_longest_first_is_that_of_the_rust_library(sequence_length, pair):
    text_a, text_b = texts_of_many_lengths()
    packed = packer(sequence_length, pair).pack(text_a, text_b)
    reference = rust(pair)
    reference.enable_truncation(sequence_length, strategy="longest_first")
    expected = reference.encode_batch(list(zip(text_a, text_b, strict=True)))
    assert rows(packed, "token_ids") == [row.ids for row in expected]
    assert rows(packed, "segment_ids") == [row.type_ids for row in expected]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("sequence_length", [6, 16, 21, 64])
def test_only_second_is_that_of_the_rust_library(sequence_length, pair):
    text_a, text_b = texts_of_many_lengths()
    packed = packer(sequence_length, pair, truncation="only_second").pack(
        text_a, text_b
    )
    reference = rust(pair)
    reference.enable_truncation(sequence_length, strategy="only_second")
    compared = 0
    for a, b, ids, segments in zip(
        text_a,
        text_b,
        rows(packed, "token_ids"),
        rows(packed, "segment_ids"),
        strict=True,
    ):
        try:
            expected = reference.encode(a, b)
        except Exception as error:
            # It refuses to cut the second text to nothing.
            assert "too short" in str(error)
            continue
        compared += 1
        assert (ids, segments) == (expected.ids, expected.type_ids)
    assert compared > 50


@pytest.mark.parametrize("first", [13, 14, 60])
def test_only_second_cuts_a_first_text_that_fills_the_row(first):
    packed = packer(16, truncation="only_second").pack(
        [text("a", first)], [text("b", 5)]
    )
    expected = rust().encode(text("a", 13), "")
    assert rows(packed, "token_ids") == [expected.ids]


@pytest.mark.parametrize("longest", range(1, 22))
def test_rows_are_padded_to_eight_but_not_above_the_limit(longest):
    packed = packer(21).pack(
        [text("a", 0), text("a", longest)], [text("b", 1), text("b", 0)]
    )
    real = min(longest + 3, 21)
    length = min(int(np.ceil(real / 8)) * 8, 21)
    assert packed["padding_mask"].tolist() == [
        [1] * 4 + [0] * (length - 4),
        [1] * real + [0] * (length - real),
    ]
    padding = packed["padding_mask"] == 0
    assert (packed["token_ids"][padding] == PAD).all()
    assert (packed["segment_ids"][padding] == 0).all()


def test_every_array_is_int32_of_one_shape():
    packed = packer(16).pack(["a1"], ["b1 b2"])
    assert {
        name: array.dtype for name, array in packed.items()
    } == dict.fromkeys(
        ("token_ids", "padding_mask", "segment_ids"), np.dtype("int32")
    )
    assert {array.shape for array in packed.values()} == {(1, 8)}


def test_no_rows_give_empty_arrays():
    packed = packer(16).pack([], [])
    assert {array.shape for array in packed.values()} == {(0, 0)}
    assert {array.dtype for array in packed.values()} == {np.dtype("int32")}


@pytest.mark.parametrize("multiple", [1, 4, 8])
def test_lengths_count_the_real_tokens_and_the_columns(multiple):
    some = packer(21, multiple=multiple)
    text_a, text_b = texts_of_many_lengths()
    ids_a, ids_b = map(some.tokenizer.tokenize, (text_a, text_b))
    lengths = some.lengths(ids_a, ids_b)
    packed = some.pack_ids(ids_a, ids_b)
    np.testing.assert_array_equal(lengths, packed["padding_mask"].sum(axis=1))
    alone = [
        some.pack([a], [b])["token_ids"].shape[1]
        for a, b in zip(text_a, text_b, strict=True)
    ]
    assert some.padded_lengths(lengths).tolist() == alone
    rounded = -(-lengths // multiple) * multiple
    assert alone == np.minimum(rounded, 21).tolist()


def test_ids_pack_as_their_texts():
    some = packer(16)
    ids = some.pack_ids([[10, 11]], [[70]])
    for name, array in some.pack(["a0 a1"], ["b0"]).items():
        np.testing.assert_array_equal(ids[name], array)


def test_texts_without_partner_are_refused():
    with pytest.raises(ValueError, match="second one. Received: 2 and 1 texts"):
        packer(16).pack(["a1", "a2"], ["b1"])


@pytest.mark.parametrize(
    "pair, shortest", [("three specials", 5), ("four specials", 6), ("none", 2)]
)
def test_the_length_must_hold_the_special_tokens(pair, shortest):
    packer(shortest, pair)
    message = (
        f"`sequence_length` must be at least {shortest}.*"
        f"Received: sequence_length={shortest - 1}"
    )
    with pytest.raises(ValueError, match=message):
        packer(shortest - 1, pair)


def test_an_unknown_truncation_is_refused():
    message = r"`truncation` must be one of \['longest_first', 'only_second'\]"
    with pytest.raises(ValueError, match=message):
        packer(16, truncation="only_first")


def test_a_text_that_fits_is_one_window():
    assert packer(8).windows([10, 11], [20, 21, 22]) == [[20, 21, 22]]


@pytest.mark.parametrize("truncation", ["longest_first", "only_second"])
@pytest.mark.parametrize("a", [1, 3, 5, 20])
@pytest.mark.parametrize("b", [1, 6, 7, 8, 30])
@pytest.mark.parametrize("space", [8, 9])
def test_windows_hold_every_token_and_fit(truncation, a, b, space):
    pack = packer(space + 3, truncation=truncation)
    first, second = list(range(10, 10 + a)), list(range(40, 40 + b))
    windows = pack.windows(first, second)
    _, kept = pack.cut([first] * len(windows), windows)
    half = (space + 1) // 2
    room = space - min(a, half if truncation == "longest_first" else space)
    if room == 0:
        assert windows == [second]
        return
    assert kept == windows
    assert sorted({i for window in windows for i in window}) == second
    assert all(len(window) <= room for window in windows)
    for one, two in itertools.pairwise(windows):
        overlap = len(set(one) & set(two))
        assert overlap >= room - max(1, room // 2)
    lost = pack.loss([first] * len(windows), windows, windows=True)
    # Of the first text something may be cut, of the windows nothing.
    assert lost.cut == sum(a + len(window) > space for window in windows)


def test_what_is_lost_is_counted():
    pack = packer(8)
    ids_a = [[10], [10, 2], [10] * 9]
    ids_b = [[11] * 4, [2] * 4, [11]]
    loss = pack.loss(ids_a, ids_b)
    assert loss == (3, 2, 21, 5)
    assert pack.loss(ids_a, ids_b, windows=True).cut == 1
    assert loss + loss == (6, 4, 42, 10)


@pytest.mark.parametrize(
    ("truncation", "text"),
    [("longest_first", "longer text"), ("only_second", "second text")],
)
def test_what_is_cut_is_told_once(truncation, text):
    pack = packer(8, truncation=truncation)
    with pytest.warns(UserWarning, match=f"3 of 1,000 pairs .0.3%.*{text}"):
        pack.warn_of(Loss(1000, 3, 9000, 0))
    pack.warn_of(Loss(1000, 3, 9000, 0))


def test_unknown_tokens_are_told_once_from_two_percent_on():
    pack = packer(8)
    pack.warn_of(Loss(10, 0, 999, 999))  # too few to tell
    pack.warn_of(Loss(100, 0, 1000, 20))
    with pytest.warns(UserWarning, match="2.1% of the tokens are unknown"):
        pack.warn_of(Loss(100, 0, 1000, 21))
    pack.warn_of(Loss(100, 0, 1000, 21))
