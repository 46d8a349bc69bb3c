"""Two tokenizers have one fingerprint if they make the same ids."""

import json

import pytest

from semmatch.data.token_fingerprint import token_fingerprint
from semmatch.models import BiEncoderPreprocessor
from semmatch.models import CrossEncoderPreprocessor
from semmatch.models.teacher import DistillationPreprocessor
from semmatch.tokenizers import TextNormalizer
from semmatch.tokenizers import Tokenizer
from tests.checks import tiny_preprocessor


@pytest.fixture(scope="module")
def preprocessor():
    return tiny_preprocessor()


def changed(tokenizer, change):
    record = json.loads(tokenizer.to_json())
    change(record)
    return Tokenizer(json.dumps(record))


def test_lengths_truncation_and_layout_of_the_file_do_not_count(preprocessor):
    tokenizer = preprocessor.tokenizer

    def reorder(record):
        for key in sorted(record):
            record[key] = record.pop(key)

    expected = token_fingerprint(preprocessor)
    assert len(expected) == 64
    for other in (
        CrossEncoderPreprocessor(
            tokenizer, 99, truncation="only_second", segments=False
        ),
        CrossEncoderPreprocessor(changed(tokenizer, reorder)),
        BiEncoderPreprocessor(tokenizer),
    ):
        assert token_fingerprint(other) == expected


def swap(record):
    """Gives two characters each other's id."""
    vocabulary = record["model"]["vocab"]
    vocabulary["取"], vocabulary["消"] = vocabulary["消"], vocabulary["取"]


def keep_case(record):
    record["normalizer"]["lowercase"] = False


@pytest.mark.parametrize("change", [swap, keep_case])
def test_what_makes_other_ids_counts(preprocessor, change):
    tokenizer = preprocessor.tokenizer
    other = CrossEncoderPreprocessor(changed(tokenizer, change))
    assert token_fingerprint(other) != token_fingerprint(preprocessor)


def test_prompts_and_normalizers_count(preprocessor):
    tokenizer = preprocessor.tokenizer
    normalized = tokenizer.with_normalizer(TextNormalizer())
    found = {
        token_fingerprint(other)
        for other in (
            preprocessor,
            CrossEncoderPreprocessor(normalized),
            BiEncoderPreprocessor(tokenizer, query_prompt="还"),
            BiEncoderPreprocessor(tokenizer, passage_prompt="还"),
            DistillationPreprocessor(preprocessor, preprocessor),
        )
    }
    assert len(found) == 5
