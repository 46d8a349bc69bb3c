"""A smaller vocabulary cuts the texts it was made for as before."""

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import models
from tokenizers import pre_tokenizers
from tokenizers import processors

from semmatch import read_pairs
from semmatch.tokenizers import Packer
from semmatch.tokenizers import TextNormalizer
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers import trim_vocabulary
from tests.fixtures.fuzz import fuzzed_pairs

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FUZZED = list(itertools.chain.from_iterable(fuzzed_pairs(300, seed=5)))
# Added tokens, emoji, what no vocabulary has, full and half width.
AWKWARD = [
    "怎么[MASK]还款",
    "<s>loan</s> <mask><pad>",
    "借款 <unk> [UNK]",
    "我想👍🏽还款😂❤\ufe0f",
    "𠮷野家\U0010ffff龘",
    "ＡＰＰ打不开，１２３．４５％？",
    "a\u200bb café cafe\u0301",
    "##ing [unused1] ▁ <0x41>",
    "x" * 101,
    "",
    " \u3000\n",
]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def from_fixture(name, folder):
    """A tokenizer of the fixtures, or one that a model file makes."""
    if name.endswith(".model"):
        target = {
            "bytes.model": "sentencepiece.bpe.model",
            "symbols.model": "spiece.model",
        }
        source = FIXTURES / "tokenizers" / name
        shutil.copy(source, folder / target[name])
        return Tokenizer.from_folder(folder)
    return Tokenizer.from_folder(FIXTURES / name)


def wordpiece(pieces, **options):
    """A WordPiece tokenizer of these pieces after the special tokens."""
    vocabulary = {p: i for i, p in enumerate([*SPECIALS, *pieces])}
    rust = tokenizers.Tokenizer(
        models.WordPiece(vocabulary, unk_token="[UNK]", **options)
    )
    rust.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return rust


def unigram(scores, **options):
    pieces = [("<unk>", 0.0), ("<pad>", 0.0), ("<s>", 0.0), ("</s>", 0.0)]
    rust = tokenizers.Tokenizer(
        models.Unigram([*pieces, *scores.items()], 0, **options)
    )
    rust.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return rust


def pieces(tokenizer):
    """All pieces, in the order of their ids."""
    return [tokenizer.token(i) for i in range(tokenizer.vocabulary_size)]


def cut(tokenizer, text):
    return [tokenizer.token(index) for index in tokenizer.tokenize([text])[0]]


def assert_cuts_as_before(tokenizer, texts):
    """Trims to `texts`, compares all tokens, returns the smaller one."""
    trimmed, kept = trim_vocabulary(tokenizer, texts)
    assert kept.dtype == "int64"
    assert (np.diff(kept) > 0).all()
    assert pieces(trimmed) == [tokenizer.token(int(i)) for i in kept]
    before, after = tokenizer.tokenize(texts), trimmed.tokenize(texts)
    for text, old, new in zip(texts, before, after, strict=True):
        assert kept[new].tolist() == old, text
    return trimmed, kept


@pytest.mark.parametrize(
    "name",
    [
        "bert_tiny",
        "roberta_tiny",
        "tokenizers/albert",
        "tokenizers/xlm_roberta",
        "bytes.model",
        "symbols.model",
    ],
)
def test_awkward_texts_keep_their_pieces(tmp_path, name):
    tokenizer = from_fixture(name, tmp_path)
    assert_cuts_as_before(tokenizer, AWKWARD)
    sizes = set()
    # A few at a time, else almost every piece is needed.
    for start in range(0, len(FUZZED), 30):
        texts = FUZZED[start : start + 30]
        trimmed, kept = assert_cuts_as_before(tokenizer, texts)
        sizes.add(len(kept))
        trimmed.tokenize(FUZZED)  # the others are read all the same
    if name.startswith("tokenizers"):
        assert max(sizes) < tokenizer.vocabulary_size
        assert len(sizes) > 1


@pytest.mark.parametrize("name", ["models/e5-small-zh", "data/chinese_bert"])
def test_a_corpus_keeps_its_pieces(shared, name):
    tokenizer = Tokenizer.from_folder(shared(name))
    pairs = read_pairs(shared("data/qa_corpus") / "valid")[:300]
    texts = [*pairs.text_a, *pairs.text_b]
    trimmed, kept = assert_cuts_as_before(tokenizer, texts)
    assert trimmed.vocabulary_size < 0.8 * tokenizer.vocabulary_size
    assert_cuts_as_before(tokenizer, [*texts, *AWKWARD, *FUZZED])
    old, new = (Packer(t, 64) for t in (tokenizer, trimmed))
    before = old.pack(pairs.text_a, pairs.text_b)
    after = new.pack(pairs.text_a, pairs.text_b)
    np.testing.assert_array_equal(kept[after["token_ids"]], before["token_ids"])


def test_wordpiece_keeps_what_texts_need_and_single_characters():
    tokenizer = Tokenizer(
        wordpiece(
            ["a", "##b", "##", "###", "cc", "##dd", "ee", "##ff", "a##"]
        ).to_str()
    )
    trimmed, _ = trim_vocabulary(tokenizer, ["ccdd"])
    # "###" is "#" inside a word; "##" and "a##" are longer ones.
    assert pieces(trimmed) == [*SPECIALS, "a", "##b", "###", "cc", "##dd"]


@pytest.mark.parametrize("has_bytes", [False, True])
def test_unigram_keeps_what_texts_need_and_single_characters(has_bytes):
    scores = {"a": -1, "▁": -2, "ab": -3, "cd": -4, "<0x41>": -5, "ef": -9}
    tokenizer = Tokenizer(unigram(scores, byte_fallback=has_bytes).to_str())
    trimmed, _ = trim_vocabulary(tokenizer, ["cd"])
    fallbacks = ["<0x41>"] if has_bytes else []
    assert pieces(trimmed) == [
        *("<unk>", "<pad>", "<s>", "</s>"),
        *("a", "▁", "cd", *fallbacks),
        "ef",  # of the lowest score
    ]


def test_a_word_stays_unknown_though_shorter_pieces_would_lead_on():
    # "abc" is taken and "##d" is none; "ab" and "##cd" would do.
    tokenizer = Tokenizer(wordpiece(["abc", "ab", "x", "##cd"]).to_str())
    texts = ["abcd", "ab", "xcd"]
    trimmed, _ = assert_cuts_as_before(tokenizer, texts)
    assert cut(trimmed, "abcd") == ["[UNK]"]


def test_words_end_at_added_tokens():
    rust = wordpiece(["abc", "ab", "x", "##cd", "abcdfo"])
    rust.add_tokens(["foo"])
    tokenizer = Tokenizer(rust.to_str())
    trimmed, _ = assert_cuts_as_before(tokenizer, ["abcdfoo", "ab", "xcd"])
    assert cut(trimmed, "abcdfoo") == ["[UNK]", "foo"]
    assert "abcdfo" not in pieces(trimmed)


def test_a_word_that_is_too_long_needs_no_pieces():
    rust = wordpiece(["aa", "##aa"], max_input_chars_per_word=5)
    trimmed, _ = assert_cuts_as_before(
        Tokenizer(rust.to_str()), ["aaaaaa", "b"]
    )
    assert pieces(trimmed) == SPECIALS


def test_an_unknown_character_costs_what_it_did():
    # Of "abcd", "ab" with "cd" has -80 and an unknown "a" with "bcd" -115; it
    # would have -55 if the lowest score were -40.
    scores = {"ab": -40.0, "cd": -40.0, "bcd": -5.0, "zz": -100.0}
    tokenizer = Tokenizer(unigram(scores).to_str())
    trimmed, _ = assert_cuts_as_before(tokenizer, ["abcd", "bcd"])
    assert cut(trimmed, "abcd") == ["ab", "cd"]


@pytest.mark.parametrize(
    "kind", ["none", "template", "bert", "roberta", "sequence"]
)
def test_packed_pairs_are_the_same_rows(kind):
    rust = wordpiece(["aa", "bb", "[A]", "cc", "[B]"])
    rust.add_tokens(["more"])  # not a piece of the model
    a, b = (rust.token_to_id(token) for token in ("[A]", "[B]"))
    template = processors.TemplateProcessing(
        single="[A] $A [B]",
        pair="[A] $A [B] $B:1 [B]:1",
        special_tokens=[("[A]", a), ("[B]", b), ("[SEP]", 3)],
    )
    processor = {
        "none": None,
        "template": template,
        "bert": processors.BertProcessing(("[B]", b), ("[A]", a)),
        "roberta": processors.RobertaProcessing(("[B]", b), ("[A]", a)),
        "sequence": processors.Sequence([processors.ByteLevel(), template]),
    }[kind]
    if processor is not None:
        rust.post_processor = processor
    tokenizer = Tokenizer(rust.to_str(), pad_token="[B]")
    trimmed, kept = trim_vocabulary(tokenizer, ["cc"])
    assert {"aa", "bb"}.isdisjoint(pieces(trimmed))
    assert pieces(trimmed)[-1] == "more"
    texts = (["cc", "more cc"], ["ccmore", "cc q"])
    before, after = (Packer(t, 16).pack(*texts) for t in (tokenizer, trimmed))
    ids = kept[after["token_ids"]]
    np.testing.assert_array_equal(ids, before["token_ids"])
    np.testing.assert_array_equal(after["segment_ids"], before["segment_ids"])
    for name in ("pad_id", "unknown_id"):
        assert kept[getattr(trimmed, name)] == getattr(tokenizer, name)
    assert trimmed.pad_token == "[B]"


def test_texts_of_several_chunks_count(monkeypatch):
    monkeypatch.setattr("semmatch.tokenizers.trimming._CHUNK", 2)
    tokenizer = Tokenizer(wordpiece(["aa", "bb", "cc", "dd", "ee"]).to_str())
    trimmed, _ = assert_cuts_as_before(tokenizer, ["aa", "q", "cc", "q", "ee"])
    assert pieces(trimmed)[len(SPECIALS) :] == ["aa", "cc", "ee"]


def test_the_normaliser_is_kept_and_counts():
    plain = Tokenizer(wordpiece(["app", "APP", "bb"]).to_str())
    tokenizer = plain.with_normalizer(TextNormalizer())
    trimmed, _ = assert_cuts_as_before(tokenizer, ["ＡＰＰ"])
    assert pieces(trimmed) == [*SPECIALS, "app"]


def test_a_trimmed_tokenizer_goes_to_a_folder_and_back(tmp_path):
    tokenizer = from_fixture("tokenizers/xlm_roberta", tmp_path)
    trimmed, _ = trim_vocabulary(tokenizer, AWKWARD)
    trimmed.save(tmp_path)
    assert Tokenizer.from_folder(tmp_path) == trimmed
    again, kept = trim_vocabulary(trimmed, AWKWARD)
    assert kept.tolist() == list(range(trimmed.vocabulary_size))
    assert json.loads(again.to_json()) == json.loads(trimmed.to_json())


@pytest.mark.parametrize("texts", [[], (), "怎么还款"])
def test_no_list_of_texts_is_refused(texts):
    tokenizer = Tokenizer.train(["怎么还款"])
    with pytest.raises(ValueError, match="list of one text or more.*Received"):
        trim_vocabulary(tokenizer, texts)


def test_bpe_is_refused(tmp_path):
    tokenizer = from_fixture("tokenizers/roberta", tmp_path)
    message = "cuts WordPiece and Unigram.*Received: .* BPE model. Keep its"
    with pytest.raises(ValueError, match=message):
        trim_vocabulary(tokenizer, ["loan"])


def test_ids_with_gaps_before_added_tokens_are_refused():
    vocabulary = {p: i for i, p in enumerate([*SPECIALS, "aa"])} | {"bb": 9}
    rust = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    rust.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trimmed, kept = trim_vocabulary(Tokenizer(rust.to_str()), ["bb"])
    assert pieces(trimmed) == [*SPECIALS, "bb"]
    assert kept.tolist() == [0, 1, 2, 3, 9]
    rust.add_tokens(["more"])
    assert rust.token_to_id("more") < 9
    with pytest.raises(ValueError, match="0, 1, 2 .*tokenizer of 10 ids which"):
        trim_vocabulary(Tokenizer(rust.to_str()), ["bb"])
