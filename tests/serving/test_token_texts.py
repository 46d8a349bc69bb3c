"""Texts have the tokens that they are asked to have."""

from pathlib import Path

import pytest

from semmatch import load_faq
from semmatch.serving.token_texts import token_texts
from semmatch.tokenizers import Tokenizer

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "tokenizers"
TOKENIZERS = {
    "words": lambda: Tokenizer.train(load_faq("en").texts("train"), 500),
    "characters": lambda: Tokenizer.train(load_faq("zh").texts("train"), 500),
    "byte BPE": lambda: Tokenizer.from_folder(FIXTURES / "roberta"),
    "SentencePiece": lambda: Tokenizer.from_folder(FIXTURES / "xlm_roberta"),
    "ALBERT": lambda: Tokenizer.from_folder(FIXTURES / "albert"),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_each_text_has_its_length_and_is_another_one(name):
    tokenizer = TOKENIZERS[name]()
    for length, number in ((1, 5), (7, 33), (61, 32)):
        texts = token_texts(tokenizer, length, number)
        assert len(set(texts)) == len(texts) == number
        found = {len(ids) for ids in tokenizer.tokenize(texts)}
        assert found == {length}
        unknown = tokenizer.unknown_id
        assert all(unknown not in ids for ids in tokenizer.tokenize(texts))


def test_words_without_a_space_are_put_together_without_one():
    # A space is a token of its own here, and so three words are five.
    import tokenizers

    rust = tokenizers.Tokenizer(
        tokenizers.models.WordLevel(
            {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, " ": 3, "还": 4, "款": 5}
        )
    )
    rust.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer = Tokenizer(rust.to_str())
    texts = token_texts(tokenizer, 3, 4)
    assert all(set(text) <= {"还", "款"} for text in texts)
    assert {len(ids) for ids in tokenizer.tokenize(texts)} == {3}


def test_the_seed_says_which():
    tokenizer = TOKENIZERS["words"]()
    one, again, other = (
        token_texts(tokenizer, 9, 4, seed=seed) for seed in (0, 0, 1)
    )
    assert one == again != other


@pytest.mark.parametrize(("length", "number"), [(0, 2), (1, 400)])
def test_more_texts_than_there_are_words_for_are_refused(length, number):
    tokenizer = Tokenizer.train(["还款"])
    message = f"{number} different texts of {length} tokens.*WordPiece"
    with pytest.raises(ValueError, match=message):
        token_texts(tokenizer, length, number)
