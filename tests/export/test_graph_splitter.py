"""Texts are cut into words as the Rust library's pre-tokenizers cut them."""

import pytest
from tokenizers import pre_tokenizers

from semmatch.export.graph_splitter import graph_splitter
from tests.export.graph_texts import constant
from tests.export.graph_texts import decoded
from tests.export.graph_texts import section
from tests.export.graph_texts import WITHOUT_NULL

TEXTS = [*WITHOUT_NULL, "", " ", "  a  b ", "▁a▁▁b▁", "a▁b c", "▁"]

WORDS = {
    "BERT": pre_tokenizers.BertPreTokenizer(),
    "white space": pre_tokenizers.WhitespaceSplit(),
    "always": pre_tokenizers.Metaspace(prepend_scheme="always"),
    "never": pre_tokenizers.Metaspace(prepend_scheme="never"),
    "one word": pre_tokenizers.Metaspace(prepend_scheme="always", split=False),
    "both": pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(prepend_scheme="always"),
        ]
    ),
}


def words(rust, text):
    return [word for word, _ in rust.pre_tokenize_str(text) if word]


@pytest.mark.parametrize("name", WORDS)
def test_words_are_those_of_the_rust_library(name):
    split = graph_splitter(section(pre_tokenizer=WORDS[name]))
    expected = [words(WORDS[name], text) for text in TEXTS]
    assert decoded(split(constant(TEXTS))) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"), [(True, ["▁a", "▁b"]), (False, ["a", "▁b"])]
)
def test_files_of_before_there_were_schemes_are_read(prefix, expected):
    record = {
        "type": "Metaspace",
        "replacement": "▁",
        "add_prefix_space": prefix,
    }
    split = graph_splitter(record)
    assert decoded(split(constant(["a b"]))) == [expected]


def test_without_a_pre_tokenizer_a_text_is_one_word():
    split = graph_splitter(None)
    assert decoded(split(constant(["a b", "", "c"]))) == [["a b"], [], ["c"]]


@pytest.mark.parametrize(
    ("pre_tokenizer", "named"),
    [
        (pre_tokenizers.Whitespace(), "A pre-tokenizer of type 'Whitespace'"),
        (pre_tokenizers.ByteLevel(), "A pre-tokenizer of type 'ByteLevel'"),
        (
            pre_tokenizers.Sequence([pre_tokenizers.Digits()]),
            "A pre-tokenizer of type 'Digits'",
        ),
        (
            pre_tokenizers.Metaspace(prepend_scheme="first"),
            "A Metaspace of prepend_scheme='first'",
        ),
        (
            pre_tokenizers.Metaspace(replacement="_"),
            "A Metaspace of '_' instead of '▁'",
        ),
    ],
)
def test_what_has_no_exact_form_is_named(pre_tokenizer, named):
    message = f"^{named} has no exact graph form"
    with pytest.raises(ValueError, match=message):
        graph_splitter(section(pre_tokenizer=pre_tokenizer))
