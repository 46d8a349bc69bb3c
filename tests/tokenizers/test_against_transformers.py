"""Token and segment ids of transformers, for every pair of QA_corpus.

`tests/fixtures/record_transformers.py` recorded the digests.
"""

import json
from pathlib import Path

import pytest

from semmatch import read_pairs
from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer
from tests.fixtures.fuzz import digest
from tests.fixtures.fuzz import fuzzed_pairs

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
RECORDED = json.loads((FIXTURES / "token_digests.json").read_text())
FOLDERS = {
    "chinese_bert": "data/chinese_bert",
    "e5-small-zh": "models/e5-small-zh",
    "e5-small-zh-qa": "models/e5-small-zh-qa",
}


def rows(packed, name):
    """The real tokens' values of each row."""
    lengths = packed["padding_mask"].sum(axis=1)
    return [
        row[:length] for row, length in zip(packed[name], lengths, strict=True)
    ]


def pack(folder, text_a, text_b):
    packer = Packer(Tokenizer.from_folder(folder), 64)
    packed = packer.pack(text_a, text_b)
    return rows(packed, "token_ids"), rows(packed, "segment_ids")


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_all_pairs_of_the_corpus_get_the_recorded_ids(shared, name):
    folder, corpus = shared(FOLDERS[name]), shared("data/qa_corpus")
    splits = [read_pairs(corpus / s) for s in ("train", "valid", "test")]
    ids, segments = pack(
        folder,
        [text for split in splits for text in split.text_a],
        [text for split in splits for text in split.text_b],
    )
    assert {
        "pairs": len(ids),
        "token_ids": digest(ids),
        "segment_ids": digest(segments),
    } == RECORDED[name]["qa_corpus"]


@pytest.mark.parametrize("name", FOLDERS)
def test_fuzzed_pairs_get_the_recorded_ids(shared, name):
    recorded = RECORDED[name]["fuzz"]
    pairs = fuzzed_pairs(recorded["pairs"])
    ids, segments = pack(shared(FOLDERS[name]), *zip(*pairs, strict=True))
    assert digest(ids) == recorded["token_ids"]
    assert digest(segments) == recorded["segment_ids"]


@pytest.mark.parametrize("truncation", ["longest_first", "only_second"])
@pytest.mark.parametrize("name", FOLDERS)
def test_transformers_gives_the_same_ids_here(shared, name, truncation):
    transformers = pytest.importorskip("transformers")
    folder = shared(FOLDERS[name])
    # The plain class reads the file as it is; `AutoTokenizer` may build
    # another pipeline than it says.
    reference = (
        transformers.BertTokenizerFast(str(folder / "vocab.txt"))
        if name == "chinese_bert"
        else transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    )
    packer = Packer(Tokenizer.from_folder(folder), 64, truncation=truncation)
    pairs = [
        (first[:40], second) for first, second in fuzzed_pairs(2000, seed=3)
    ]
    if truncation == "only_second":
        pairs = [(first[:10], second) for first, second in pairs]
    first, second = (list(side) for side in zip(*pairs, strict=True))
    expected = reference(first, second, truncation=truncation, max_length=64)
    packed = packer.pack(first, second)
    ids = [row.tolist() for row in rows(packed, "token_ids")]
    assert ids == expected["input_ids"]


def test_the_digest_sees_a_value_and_the_end_of_a_row():
    digests = [digest(rows) for rows in ([[1, 2], [3]], [[1], [2, 3]], [[1]])]
    assert len(set(digests)) == 3
    assert digest([[1, 2]]) != digest([[1, 3]])
