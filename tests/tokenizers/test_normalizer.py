"""Texts written in one way, against Python's own Unicode."""

import re
import unicodedata

import numpy as np
import pytest
import tokenizers

from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.tokenizers import TextNormalizer
from semmatch.tokenizers import Tokenizer
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.checks import tiny_preprocessor
from tests.fixtures.fuzz import fuzzed_pairs

RULES = ("width", "quotes", "spaces", "zero_width", "case")
NONE = dict.fromkeys(RULES, False)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("width", "ＡＰＰ１２（ｘ）ｶﾅ…①", "APP12(x)カナ...1"),
        ("quotes", "“还”‘款’„a‟‚b‛＂c＇", "\"还\"'款'\"a\"'b'\"c'"),
        ("spaces", "\u3000 还\t\n款\xa0a  b ", "还 款 a b"),
        ("zero_width", "还\u200b款\ufeff❤\ufe0f\u202eb\u00ad", "还款❤b"),
        ("case", "iPhone ÀŞ", "iphone àş"),
    ],
)
def test_each_rule_does_its_part_and_no_more(rule, text, expected):
    assert TextNormalizer(**{**NONE, rule: True}).normalize(text) == expected
    without = TextNormalizer(
        **{**NONE, **dict.fromkeys(RULES, True), rule: False}
    )
    assert without.normalize(text) != TextNormalizer().normalize(text)
    assert TextNormalizer(**NONE).normalize(text) == text


def python(text):
    """What `TextNormalizer()` says it does, in the standard library."""
    text = re.sub(
        "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]",
        "",
        text,
    )
    text = re.sub("[“”„‟＂]", '"', text)
    text = re.sub("[‘’‚‛＇]", "'", text)
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"[\s\x85]+", " ", text).strip()
    return text.lower()


def test_ten_thousand_strings_are_as_python_writes_them():
    normalizer = TextNormalizer().rust()
    texts = [text for pair in fuzzed_pairs(5_000) for text in pair]
    # Characters that the tables of both know.
    known = unicodedata.ucd_3_2_0
    texts = [
        "".join(c for c in text if known.category(c) != "Cn") for text in texts
    ]
    different = [t for t in texts if normalizer.normalize_str(t) != python(t)]
    assert different == []


def test_the_tokenizers_own_rules_come_after():
    rust = tokenizers.Tokenizer.from_str(Tokenizer.train(["ab"]).to_json())
    rust.normalizer = tokenizers.normalizers.Replace('"', "#")
    tokenizer = Tokenizer(rust.to_str()).with_normalizer(TextNormalizer())
    assert tokenizer.normalize("“Ａ") == "#a"


def test_the_file_holds_the_rules(tmp_path):
    plain = Tokenizer.train(["app打不开"])
    tokenizer = plain.with_normalizer(TextNormalizer())
    assert tokenizer.tokenize(["ＡＰＰ打不开"]) == plain.tokenize(["app打不开"])
    tokenizer.save(tmp_path)
    assert Tokenizer.from_folder(tmp_path) == tokenizer
    file = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert file.normalizer.normalize_str("ＡＰＰ") == "app"


def test_without_rules_a_text_stays():
    rust = tokenizers.Tokenizer.from_str(Tokenizer.train(["ab"]).to_json())
    rust.normalizer = None
    assert Tokenizer(rust.to_str()).normalize("“Ａ") == "“Ａ"


@pytest.mark.slow
@tensorflow_only
def test_training_scoring_and_serving_read_the_same_text(tmp_path):
    texts = [text for pair in fuzzed_pairs(5_000, seed=1) for text in pair]
    normalizer = TextNormalizer()
    encoder = tiny_encoder(vocabulary_size=400)
    preprocessor = tiny_preprocessor()
    CrossEncoder(encoder, preprocessor).save_to_preset(tmp_path / "plain")
    model = CrossEncoder.from_preset(tmp_path / "plain", normalizer=normalizer)
    model.save_to_preset(tmp_path / "preset")
    export_onnx(model, tmp_path / "deploy")
    again = CrossEncoder.from_preset(tmp_path / "preset")
    matcher = Matcher(tmp_path / "deploy")
    plain = tokenizers.Tokenizer.from_file(
        str(tmp_path / "deploy" / "tokenizer.json")
    )
    # BERT's own rules come after ours, in each of them.
    own = preprocessor.tokenizer
    expected = [own.normalize(normalizer.normalize(text)) for text in texts]
    assert expected != [own.normalize(text) for text in texts]
    for place in (
        model.preprocessor.tokenizer,
        model.pair_scorer().packer.tokenizer,
        again.preprocessor.tokenizer,
        matcher.packer.tokenizer,
    ):
        assert [place.normalize(text) for text in texts] == expected
    found = [plain.normalizer.normalize_str(text) for text in texts]
    assert found == expected

    dataset = pair_dataset(
        Pairs(texts[:5_000], texts[5_000:]), model.preprocessor, batch_size=500
    )
    for batch, (features,) in enumerate(dataset):
        rows = slice(500 * batch, 500 * batch + 500)
        packed = matcher.packer.pack(texts[:5_000][rows], texts[5_000:][rows])
        np.testing.assert_array_equal(
            features["token_ids"], packed["token_ids"]
        )
