"""A vocabulary alone, read as BERT reads it."""

import itertools

import pytest
from tokenizers import BertWordPieceTokenizer

from semmatch.tokenizers import Tokenizer
from tests.fixtures.fuzz import fuzzed_pairs

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
UNKNOWN = 1


def read(folder, pieces, config=None, newline="\n", end="\n"):
    text = newline.join(pieces) + end
    (folder / "vocab.txt").write_bytes(text.encode("utf-8"))
    if config is not None:
        path = folder / "tokenizer_config.json"
        path.write_text(config, encoding="utf-8")
    return Tokenizer.from_folder(folder)


def is_known(tokenizer, text):
    return tokenizer.tokenize([text]) != [[UNKNOWN]]


@pytest.mark.parametrize(
    "pieces, lowercase",
    [
        (["hello"], True),
        (["怎", "##么", "1"], True),
        (["Hello"], False),
        (["hello", "É"], False),
        (["hello", "##S"], False),
        # Their upper case says nothing about texts.
        (["[unused1]", "[Unused2]", "<S>", "<T>"], True),
        (["[", "<", "]", ">"], True),
        (["[A"], False),
        (["A>"], False),
    ],
)
def test_case_is_folded_exactly_if_no_piece_has_upper_case(
    tmp_path, pieces, lowercase
):
    tokenizer = read(tmp_path, [*SPECIALS, *pieces, "loan"])
    assert is_known(tokenizer, "loan")
    assert is_known(tokenizer, "LOAN") == lowercase


@pytest.mark.parametrize("piece", ["loan", "Loan"])
@pytest.mark.parametrize("lowercase", [False, True])
def test_the_configuration_decides_about_case(tmp_path, piece, lowercase):
    config = f'{{"do_lower_case": {str(lowercase).lower()}}}'
    tokenizer = read(tmp_path, [*SPECIALS, piece, "app"], config)
    assert is_known(tokenizer, "APP") == lowercase


@pytest.mark.parametrize(
    "lowercase, strip, stripped",
    [
        # As in BERT, accents go with the upper case unless it is said.
        ("true", "null", True),
        ("false", "null", False),
        ("true", "false", False),
        ("false", "true", True),
    ],
)
def test_the_configuration_decides_about_accents(
    tmp_path, lowercase, strip, stripped
):
    config = f'{{"do_lower_case": {lowercase}, "strip_accents": {strip}}}'
    tokenizer = read(tmp_path, [*SPECIALS, "cafe", "cafés"], config)
    assert is_known(tokenizer, "café") == stripped
    assert is_known(tokenizer, "cafés") == (not stripped)


@pytest.mark.parametrize("config", [None, '{"tokenize_chinese_chars": false}'])
def test_the_configuration_decides_about_chinese_words(tmp_path, config):
    tokenizer = read(tmp_path, [*SPECIALS, "还", "款", "还款"], config)
    expected = [5, 6] if config is None else [7]
    assert tokenizer.tokenize(["还款"]) == [expected]


@pytest.mark.parametrize("lowercase", [False, True])
def test_ids_are_those_of_hugging_faces_bert_tokenizer(tmp_path, lowercase):
    texts = list(itertools.chain.from_iterable(fuzzed_pairs(1000, seed=1)))
    characters = sorted(
        {
            character
            for text in texts[:500]
            for word in text.split()
            for character in word
        }
    )
    pieces = [*SPECIALS, *characters, *(f"##{c}" for c in characters), "the"]
    pieces += ["##an", "lo", "Lo", "##an1"]
    tokenizer = read(
        tmp_path, pieces, f'{{"do_lower_case": {str(lowercase).lower()}}}'
    )
    reference = BertWordPieceTokenizer(
        str(tmp_path / "vocab.txt"), lowercase=lowercase
    )
    expected = reference.encode_batch(texts, add_special_tokens=False)
    assert tokenizer.tokenize(texts) == [row.ids for row in expected]


def test_a_word_of_more_than_100_characters_is_unknown(tmp_path):
    tokenizer = read(tmp_path, [*SPECIALS, "a", "##a"])
    assert tokenizer.tokenize(["a" * 100]) == [[5] + [6] * 99]
    assert tokenizer.tokenize(["a" * 101]) == [[UNKNOWN]]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_only_a_newline_ends_a_piece(tmp_path, newline, end):
    # A piece may be what Python's `splitlines` would split at.
    pieces = [*SPECIALS, "还", "\u2028", "\x85", "款"]
    tokenizer = read(tmp_path, pieces, newline=newline, end=end)
    assert tokenizer.tokenize(["还款"]) == [[5, 8]]
    assert tokenizer.vocabulary_size == 9


def test_special_tokens_and_segments_are_those_of_bert(tmp_path):
    tokenizer = read(tmp_path, [*SPECIALS, "还"])
    assert tokenizer.pad_id == 0
    assert [(p.text or p.ids, p.segment) for p in tokenizer.single] == [
        ((2,), 0),
        ("A", 0),
        ((3,), 0),
    ]
    assert [(p.text or p.ids, p.segment) for p in tokenizer.pair] == [
        ((2,), 0),
        ("A", 0),
        ((3,), 0),
        ("B", 1),
        ((3,), 1),
    ]


def test_a_special_piece_in_a_text_is_one_token(tmp_path):
    tokenizer = read(tmp_path, [*SPECIALS, "还"])
    assert tokenizer.tokenize(["还[MASK]还"]) == [[5, 4, 5]]


@pytest.mark.parametrize("form", ['"<fill>"', '{"content": "<fill>"}'])
def test_the_configuration_names_the_special_pieces(tmp_path, form):
    pieces = ["还", "<unk>", "<fill>", "<s>", "</s>", "<mask>"]
    config = (
        f'{{"pad_token": {form}, "unk_token": "<unk>", "cls_token": "<s>", '
        '"sep_token": "</s>", "mask_token": {"content": "<mask>"}}'
    )
    tokenizer = read(tmp_path, pieces, config)
    assert (tokenizer.pad_token, tokenizer.pad_id) == ("<fill>", 2)
    assert tokenizer.tokenize(["还款<mask>"]) == [[0, 1, 5]]
    assert [p.ids for p in tokenizer.pair if p.ids] == [(3,), (4,), (4,)]


def test_missing_special_pieces_are_named(tmp_path):
    message = (
        r"vocab.txt lacks the special pieces \[CLS\], \[MASK\]. "
        ".*tokenizer_config.json"
    )
    with pytest.raises(ValueError, match=message):
        read(tmp_path, ["[PAD]", "[UNK]", "[SEP]", "还"])


def test_a_piece_that_stands_twice_is_refused_with_both_lines(tmp_path):
    message = "vocab.txt, line 8: the piece '还' stands in line 6 already"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, [*SPECIALS, "还", "款", "还"])


def test_training_learns_the_texts_own_pieces():
    tokenizer = Tokenizer.train(["取消借款 Loan", "取消 loan"])
    # BERT's five special pieces come first, and case is folded.
    assert tokenizer.pad_id == 0
    (ids,) = tokenizer.tokenize(["LOAN 取消"])
    assert UNKNOWN not in ids
    assert len(ids) == 3
    assert tokenizer.tokenize(["猫"]) == [[UNKNOWN]]
    assert [p.ids for p in tokenizer.single if p.ids] == [(2,), (3,)]


def test_training_keeps_the_number_of_pieces():
    words = [f"{a}{b}{c}" for a in "abc" for b in "abc" for c in "abc"]
    # 5 special pieces, 3 characters alone, 3 inside words, 27 words.
    assert Tokenizer.train(words, 15).vocabulary_size == 11
    assert Tokenizer.train(words * 2, 15).vocabulary_size == 15
    assert Tokenizer.train(words * 2).vocabulary_size == 38


def test_the_same_texts_give_the_same_pieces():
    texts = ["hello world", "hello word", "old words"] * 3
    first = Tokenizer.train(texts).to_json()
    assert all(Tokenizer.train(texts).to_json() == first for _ in range(5))
