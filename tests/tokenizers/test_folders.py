"""Folders of RoBERTa, XLM-RoBERTa, ALBERT and BERT, as transformers reads.

`tests/fixtures/record_tokenizers.py` made the folders and recorded what
transformers and sentencepiece make of texts.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer
from tests.fixtures.fuzz import digest
from tests.fixtures.fuzz import fuzzed_pairs

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FOLDERS = FIXTURES / "tokenizers"
RECORDED = json.loads((FOLDERS / "expected.json").read_text("utf-8"))
PAIRS = RECORDED["pairs"]

# What transformers 5 reads in another way than 4 and the models' authors: the
# space before a mask token, for ALBERT a number before a comma.
NOT_AS_TRAINED = re.compile("mask|[,，]", re.IGNORECASE)


def fill(folder, name, files=()):
    """The fixture's folder with more files, which are JSON."""
    source = FIXTURES if name == "bert_tiny" else FOLDERS
    for path in (source / name).iterdir():
        if path.suffix in (".json", ".txt", ".model"):
            shutil.copy(path, folder)
    for file in files:
        text = json.dumps(files[file])
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def pack(tokenizer, pairs):
    """The real tokens' ids and segments of each pair, two lists of lists."""
    packed = Packer(tokenizer, 64).pack(*map(list, zip(*pairs, strict=True)))
    lengths = packed["padding_mask"].sum(axis=1)
    return tuple(
        [row[:n].tolist() for row, n in zip(packed[name], lengths, strict=True)]
        for name in ("token_ids", "segment_ids")
    )


def name_of(case):
    return f"{case['folder']} {json.dumps(case['files'])}"


@pytest.mark.parametrize("case", RECORDED["cases"], ids=name_of)
def test_ids_and_segments_are_those_of_transformers(tmp_path, case):
    folder = fill(tmp_path, case["folder"], case["files"])
    tokenizer = Tokenizer.from_folder(folder)
    ids, segments = pack(tokenizer, PAIRS)
    for index, pair in enumerate(PAIRS):
        assert ids[index] == case["token_ids"][index], pair
        assert segments[index] == case["segment_ids"][index], pair
    ids, segments = pack(tokenizer, fuzzed_pairs(case["fuzz"]["pairs"]))
    assert digest(ids) == case["fuzz"]["token_ids"]
    assert digest(segments) == case["fuzz"]["segment_ids"]


def test_every_setting_of_the_cases_changes_ids():
    # Else a case would pass without its setting being read.
    for folder in {case["folder"] for case in RECORDED["cases"]}:
        cases = [c for c in RECORDED["cases"] if c["folder"] == folder]
        ids = {(str(c["token_ids"]), str(c["fuzz"])) for c in cases}
        assert len(ids) == len(cases)


def test_user_defined_symbols_are_one_piece_as_in_sentencepiece(tmp_path):
    shutil.copy(FOLDERS / "symbols.model", tmp_path / "spiece.model")
    config = '{"do_lower_case": false, "keep_accents": true}'
    (tmp_path / "tokenizer_config.json").write_text(config, encoding="utf-8")
    tokenizer = Tokenizer.from_folder(tmp_path)
    expected = RECORDED["sentencepiece"]["symbols"]
    assert tokenizer.tokenize(RECORDED["texts"]) == expected


def test_unknown_characters_become_bytes_as_in_sentencepiece(tmp_path):
    shutil.copy(FOLDERS / "bytes.model", tmp_path / "sentencepiece.bpe.model")
    tokenizer = Tokenizer.from_folder(tmp_path)
    recorded = RECORDED["sentencepiece"]["bytes"]
    assert any(3 <= index < 259 for row in recorded for index in row)
    # fairseq's ids are one more.
    expected = [[index + 1 for index in row] for row in recorded]
    assert tokenizer.tokenize(RECORDED["texts"]) == expected


@pytest.mark.parametrize(
    "folder, size, unknown, pad",
    [("roberta", 600, 3, 1), ("xlm_roberta", 702, 3, 1), ("albert", 700, 1, 0)],
)
def test_ids_of_models_are_those_of_their_embeddings(
    tmp_path, folder, size, unknown, pad
):
    tokenizer = Tokenizer.from_folder(fill(tmp_path, folder))
    # 700 pieces: fairseq puts four before instead of three, and one behind.
    assert tokenizer.vocabulary_size == size
    assert tokenizer.pad_id == pad
    # No byte is unknown to RoBERTa.
    assert tokenizer.unknown_id == (None if folder == "roberta" else unknown)
    tokenizer.save(tmp_path)
    assert Tokenizer.from_folder(tmp_path) == tokenizer


def test_padding_is_right_whatever_the_folder_says(tmp_path):
    files = {"tokenizer_config.json": {"padding_side": "left"}}
    tokenizer = Tokenizer.from_folder(fill(tmp_path, "roberta", files))
    packed = Packer(tokenizer, 16).pack(["a", "a a a a"], ["b", "b b b b"])
    assert packed["padding_mask"].tolist()[0] == [1] * 6 + [0] * 6 + [0] * 4
    assert (packed["token_ids"][0, 6:] == tokenizer.pad_id).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["roberta", "xlm_roberta", "albert"])
def test_transformers_gives_the_same_ids_here(tmp_path, name):
    transformers = pytest.importorskip("transformers", "5")
    pytest.importorskip("sentencepiece")
    kind, config = {
        "roberta": (transformers.RobertaTokenizerFast, {}),
        "xlm_roberta": (transformers.XLMRobertaTokenizerFast, {}),
        "albert": (transformers.AlbertTokenizerFast, {"keep_accents": True}),
    }[name]
    files = {"tokenizer_config.json": config}
    reference = kind.from_pretrained(fill(tmp_path, name, files))
    pairs = [
        pair
        for pair in fuzzed_pairs(2000, seed=3)
        if not any(map(NOT_AS_TRAINED.search, pair))
    ]
    assert len(pairs) > 1000
    first, second = (list(side) for side in zip(*pairs, strict=True))
    expected = reference(
        first,
        second,
        truncation="longest_first",
        max_length=64,
        return_token_type_ids=True,
    )
    ids, segments = pack(Tokenizer.from_folder(tmp_path), pairs)
    assert ids == expected["input_ids"]
    assert segments == expected["token_type_ids"]
