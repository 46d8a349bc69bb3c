"""The graph form of a whole tokenizer gives the ids of the tokenizer."""

import json
import re
from pathlib import Path

import pytest
import tensorflow as tf
import tokenizers

from semmatch import load_faq
from semmatch.export.graph_tokenizer import GraphTokenizer
from semmatch.tokenizers import TextNormalizer
from semmatch.tokenizers import Tokenizer
from tests.checks import TEXTS
from tests.export.graph_texts import constant
from tests.export.graph_texts import FUZZED

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
PLAIN = [*TEXTS, "", " ", "  a  ", *load_faq("zh").texts("test")]

# Characters that join the one before: the Rust library replaces them together
# or one by one by their lengths in bytes, sentencepiece the longest it knows.
JOINING = re.compile("[\u0300-\u036f\u1100-\u11ff\u200c\u200d\u3099\u309a]")


@pytest.fixture(autouse=True)
def eagerly():
    """Runs functions as they are, which takes less time than tracing them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def trained(**changes):
    """A WordPiece tokenizer whose file has other values in some places."""
    record = json.loads(Tokenizer.train([*PLAIN, "Loan loan", "É"]).to_json())
    for path, value in changes.items():
        *holders, key = path.split("__")
        place = record
        for holder in holders:
            place = place[holder]
        place[key] = value
    return Tokenizer(json.dumps(record))


def with_added_tokens():
    rust = tokenizers.Tokenizer.from_str(Tokenizer.train(PLAIN).to_json())
    rust.add_tokens(
        [
            # Found in the normalised text, as `é` and `app` there.
            tokenizers.AddedToken("APP", normalized=True),
            tokenizers.AddedToken("e\u0301", normalized=True),
            tokenizers.AddedToken("ß", normalized=False),
        ]
    )
    return Tokenizer(rust.to_str())


WORDPIECE = {
    "lower case": trained,
    "cased": lambda: trained(
        normalizer__lowercase=False, normalizer__strip_accents=False
    ),
    "Chinese words": lambda: trained(normalizer__handle_chinese_chars=False),
    "as it is": lambda: trained(normalizer=None),
    "TextNormalizer": lambda: trained().with_normalizer(TextNormalizer()),
    "added tokens": with_added_tokens,
}


def differing(tokenizer, texts):
    found = GraphTokenizer(tokenizer)(constant(texts)).to_list()
    expected = tokenizer.tokenize(texts)
    rows = zip(texts, found, expected, strict=True)
    return [text for text, a, b in rows if a != b]


@pytest.mark.parametrize("name", WORDPIECE)
def test_wordpiece_gives_the_same_ids(name):
    tokenizer = WORDPIECE[name]()
    texts = [*PLAIN, *FUZZED, "APPapp ÉéßSS", "x" * 101]
    # A letter of Unicode 16, whose lower case TensorFlow does not know.
    texts = [text for text in texts if "\ua7cb" not in text]
    assert differing(tokenizer, texts) == []


@pytest.mark.parametrize("name", ["xlm_roberta", "albert"])
def test_unigram_gives_the_same_ids_but_of_joined_characters(name):
    tokenizer = Tokenizer.from_folder(FIXTURES / "tokenizers" / name)
    texts = [text for text in FUZZED if not JOINING.search(text)]
    assert len(texts) > 400
    assert differing(tokenizer, [*PLAIN, *texts]) == []


@pytest.mark.parametrize(
    "name",
    ["data/chinese_bert", "models/e5-small-zh", "models/e5-small-zh-qa"],
)
def test_tokenizers_in_use_give_the_same_ids(shared, name):
    tokenizer = Tokenizer.from_folder(shared(name))
    texts = FUZZED
    if tokenizer.model == "Unigram":
        texts = [text for text in FUZZED if not JOINING.search(text)]
    assert differing(tokenizer, [*PLAIN, *texts]) == []


@pytest.mark.parametrize("make", [trained, lambda: trained(normalizer=None)])
def test_null_characters_are_read_as_by_the_tokenizer(make):
    texts = ["\0", "a\0b", "a\0 还\0", "[MASK]\0[MA\0SK]"]
    assert differing(make(), texts) == []


@pytest.mark.parametrize(
    "text", [b"\xed\xa0\x80", b"\xff", b"a\xe8\xbf", b"\xc0\x80"]
)
def test_what_is_not_utf_8_is_refused(text):
    graph = GraphTokenizer(trained())
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="texts in UTF-8.*invalid bytes"
    ):
        graph(tf.constant([b"ok", text]))


def byte_level():
    return Tokenizer.from_folder(FIXTURES / "tokenizers" / "roberta")


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (byte_level, "A tokenizer with a BPE model .byte-level, as RoBERTa"),
        (
            lambda: Tokenizer.from_folder(FIXTURES / "albert_tiny"),
            "A pre-tokenizer of type 'Split'",
        ),
        (
            lambda: trained(normalizer={"type": "Nmt"}),
            "A normalizer of type 'Nmt'",
        ),
    ],
)
def test_what_has_no_graph_form_is_named(make, named):
    message = f"^{named}.* has no exact graph form.*`export_onnx`"
    with pytest.raises(ValueError, match=message):
        GraphTokenizer(make())


def test_a_tokenizer_that_reads_null_characters_is_refused():
    replace = {"type": "Replace", "pattern": {"String": "\0"}, "content": "还"}
    message = "^A tokenizer that reads null characters has no exact"
    with pytest.raises(ValueError, match=message):
        GraphTokenizer(trained(normalizer=replace))
