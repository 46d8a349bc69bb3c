"""Classes of characters are those of the Rust library, one by one."""

import pytest
import tensorflow as tf
import tokenizers
from tokenizers import normalizers
from tokenizers import pre_tokenizers

from semmatch.export import character_classes
from semmatch.export.character_classes import ranges
from semmatch.export.character_classes import WHITE_SPACE

# Letters and ideographs among them, of which a class must have none.
CHARACTERS = [
    chr(point)
    for point in (
        *range(0x3400),
        *range(0x9FF0, 0xA010),
        *range(0xD7F0, 0xD800),
        *range(0xE000, 0xE003),
        *range(0xF900, 0x10400),
        *range(0x11000, 0x11800),
        *range(0x1D100, 0x1D200),
        *range(0x1F300, 0x1F400),
        *range(0xE0000, 0xE0200),
        *range(0xFFFFC, 0x100003),
    )
]
BERT = {
    "clean_text": False,
    "handle_chinese_chars": False,
    "strip_accents": False,
    "lowercase": False,
}


def leaves_out(normalizer):
    return lambda character: normalizer.normalize_str(character) == ""


def splits(pre_tokenizer, pieces):
    return lambda character: (
        len(pre_tokenizer.pre_tokenize_str(f"a{character}a")) == pieces
    )


CLASSES = {
    "bert_control": leaves_out(
        normalizers.BertNormalizer(**{**BERT, "clean_text": True})
    ),
    "bert_accents": leaves_out(
        normalizers.BertNormalizer(**{**BERT, "strip_accents": True})
    ),
    "accents": leaves_out(normalizers.StripAccents()),
    "bert_punctuation": splits(pre_tokenizers.BertPreTokenizer(), 3),
}


def matched(pattern):
    """The characters of `CHARACTERS` that a class of RE2 has."""
    texts = tf.constant([c.encode("utf-8") for c in CHARACTERS])
    is_one = tf.strings.regex_full_match(texts, pattern).numpy()
    return [c for c, one in zip(CHARACTERS, is_one, strict=True) if one]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_what_the_rust_library_treats_so(name):
    expected = [c for c in CHARACTERS if CLASSES[name](c)]
    assert len(expected) > 50
    assert matched(getattr(character_classes, name)()) == expected


@pytest.mark.parametrize(
    "is_space",
    [
        splits(pre_tokenizers.WhitespaceSplit(), 2),
        leaves_out(normalizers.Strip()),
        leaves_out(normalizers.Replace(tokenizers.Regex(r"\s"), "")),
    ],
    ids=["WhitespaceSplit", "Strip", "regular expression"],
)
def test_white_space_is_that_of_unicode(is_space):
    assert matched(WHITE_SPACE) == [c for c in CHARACTERS if is_space(c)]


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("", ""),
        ("a", r"\x{61}"),
        ("cab", r"\x{61}-\x{63}"),
        ("ace\U0010ffff", r"\x{61}\x{63}\x{65}\x{10FFFF}"),
    ],
)
def test_neighbours_become_ranges(characters, expected):
    assert ranges(characters) == expected
