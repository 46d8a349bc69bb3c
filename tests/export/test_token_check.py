"""Texts on which two tokenizers differ are counted, and too many refused."""

import pytest
import tensorflow as tf

from semmatch import load_faq
from semmatch.export import token_check
from semmatch.export.token_check import checked_texts
from semmatch.export.token_check import default_texts
from semmatch.export.token_check import equal_texts
from tests.checks import tiny_preprocessor

TOKENIZER = tiny_preprocessor().tokenizer


def graph(*wrong):
    """A graph form that gives no ids of texts with one of some strings."""

    def ids(texts):
        texts = [text.decode("utf-8") for text in texts.numpy()]
        rows = TOKENIZER.tokenize(texts)
        return tf.ragged.constant(
            [
                [] if any(part in text for part in wrong) else row
                for text, row in zip(texts, rows, strict=True)
            ],
            tf.int32,
            ragged_rank=1,
        )

    return ids


@pytest.mark.parametrize("chunk", [7, 10_000])
def test_one_text_in_a_thousand_may_differ(monkeypatch, chunk):
    monkeypatch.setattr(token_check, "_CHUNK", chunk)
    texts = [f"取消{number}" for number in range(1000)]
    equal = equal_texts(TOKENIZER, graph("取消777"), texts)
    assert equal == [text for text in texts if text != "取消777"]


def test_more_are_refused_and_the_first_is_shown():
    texts = [f"取消{number}" for number in range(1000)]
    message = (
        r"for 2 of 1,000 texts \(0\.20%\), more than 0\.1%, such as '取消777'; "
        "nothing was written.*`export_onnx`"
    )
    with pytest.raises(RuntimeError, match=message):
        equal_texts(TOKENIZER, graph("取消777", "取消888"), texts)


@pytest.mark.parametrize(
    ("prompts", "is_equal"), [(("",), True), (("", "如何"), False)]
)
def test_texts_are_compared_with_each_prompt(prompts, is_equal):
    texts = ["取消"] * 1000 + ["还款"]
    equal = equal_texts(TOKENIZER, graph("如何还款"), texts, prompts)
    assert (equal == texts) == is_equal


def test_the_bundled_texts_are_awkward_and_usual_ones():
    texts = default_texts()
    assert {"", " "} < set(texts)
    assert any("\0" in text for text in texts)
    assert max(map(len, texts)) > 512  # is cut by every model
    for language in ("zh", "en"):
        assert set(load_faq(language).texts("test")) < set(texts)
    assert checked_texts(None) == texts


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("还款", TypeError, "`texts` must be a list.*Received: the string '还"),
        (["还款", None], TypeError, r"Expected texts\[1\] to be a string"),
        (["\ud800"], ValueError, r"Expected texts\[0\] to be valid Unicode"),
        ([], ValueError, "`texts` must hold a text.*Received: none"),
    ],
)
def test_texts_must_be_strings(texts, error, message):
    with pytest.raises(error, match=message):
        checked_texts(texts)


def test_any_iterable_of_strings_will_do():
    assert checked_texts(iter(("还款", ""))) == ["还款", ""]
