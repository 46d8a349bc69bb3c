"""Texts are written as the Rust library's normalizers write them."""

import base64
import json
from pathlib import Path

import pytest
from tokenizers import normalizers
from tokenizers import Regex

from semmatch.export.graph_normalizer import GraphNormalizer
from semmatch.export.graph_normalizer import quote
from semmatch.tokenizers import TextNormalizer
from semmatch.tokenizers import Tokenizer
from tests.export.graph_texts import constant
from tests.export.graph_texts import decoded
from tests.export.graph_texts import section
from tests.export.graph_texts import WITHOUT_NULL

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "tokenizers"


def bert(**flags):
    names = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    return normalizers.BertNormalizer(
        **{**dict.fromkeys(names, False), **flags}
    )


NORMALIZERS = {
    "BERT, lower case": normalizers.BertNormalizer(),
    "BERT, cased": normalizers.BertNormalizer(lowercase=False),
    "BERT, clean": bert(clean_text=True),
    "BERT, Chinese": bert(handle_chinese_chars=True),
    "BERT, accents": bert(strip_accents=True),
    "BERT, case alone": bert(lowercase=True, strip_accents=False),
    "BERT, as it is": bert(),
    "case": normalizers.Lowercase(),
    "NFC": normalizers.NFC(),
    "NFD": normalizers.NFD(),
    "NFKC": normalizers.NFKC(),
    "NFKD": normalizers.NFKD(),
    "accents": normalizers.StripAccents(),
    "both ends": normalizers.Strip(),
    "left end": normalizers.Strip(left=True, right=False),
    "right end": normalizers.Strip(left=False, right=True),
    "a text": normalizers.Replace("the", r"\1 \\ the"),
    "a sign": normalizers.Replace(".", "(.)"),
    "white space": normalizers.Replace(Regex(r"\s+"), "_"),
    "two spaces": normalizers.Replace(Regex(" {2,}"), "▁"),
    "a class": normalizers.Replace(Regex("[a-z“”，]{2}"), ""),
    "a sequence": normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), bert(lowercase=True)]
    ),
    "TextNormalizer": TextNormalizer().rust(),
}


@pytest.mark.parametrize("name", NORMALIZERS)
def test_texts_are_written_as_by_the_rust_library(name):
    rust = NORMALIZERS[name]
    expected = [rust.normalize_str(text) for text in WITHOUT_NULL]
    assert (expected != WITHOUT_NULL) == (name != "BERT, as it is")
    graph = GraphNormalizer(section(normalizer=rust))
    assert decoded(graph(constant(WITHOUT_NULL))) == expected


def test_the_end_of_a_word_changes_no_letter():
    graph = GraphNormalizer(section(normalizer=normalizers.Lowercase()))
    assert decoded(graph(constant(["ΟΔΟΣ", "ΣΑΣ Σ"]))) == ["οδοσ", "σασ σ"]


def test_a_table_of_sentencepiece_is_applied():
    tokenizer = Tokenizer.from_folder(FOLDER / "xlm_roberta")
    record = json.loads(tokenizer.to_json())["normalizer"]
    assert record["type"] == "Precompiled"
    table = base64.b64decode(record["precompiled_charsmap"])
    rust = normalizers.Precompiled(table)
    texts = [
        "ＡＰＰ１２",
        "怎么\u3000还\xa0款\n\t",
        "①㈱…ﬁ",
        "cafe\u0301 é",
        "",
    ]
    texts += [" 还 款 ", "ab\u200bc\ufeff", "👩\u200d👧❤\ufe0f", "<unk>"]
    expected = [rust.normalize_str(text) for text in texts]
    assert expected[:3] == ["APP12", "怎么 还 款  ", "1(株)...fi"]
    assert decoded(GraphNormalizer(record)(constant(texts))) == expected


def test_without_a_normalizer_texts_stay_as_they_are():
    graph = GraphNormalizer(None)
    assert decoded(graph(constant(WITHOUT_NULL))) == WITHOUT_NULL


@pytest.mark.parametrize(
    ("normalizer", "named"),
    [
        (normalizers.Nmt(), "type 'Nmt'"),
        (normalizers.Prepend("▁"), "type 'Prepend'"),
        (
            normalizers.Sequence([normalizers.NFC(), normalizers.Nmt()]),
            "type 'Nmt'",
        ),
        (normalizers.Replace(Regex("(a|b)"), ""), r"replaces '\(a\|b\)'"),
        (normalizers.Replace(Regex(r"\d"), ""), r"replaces '\\\\d'"),
        (normalizers.Replace(Regex("a*"), ""), r"replaces 'a\*'"),
        (normalizers.Replace(Regex("[^a]"), ""), r"replaces '\[\^a\]'"),
        (normalizers.Replace(Regex("ab"), ""), "replaces 'ab'"),
        (normalizers.Replace(Regex("."), ""), r"replaces '\.'"),
    ],
)
def test_what_has_no_exact_form_is_named(normalizer, named):
    message = f"^A normalizer .*{named} has no exact graph form.*`export_onnx`"
    with pytest.raises(ValueError, match=message):
        GraphNormalizer(section(normalizer=normalizer))


def test_a_quoted_text_stands_for_itself():
    assert quote("aB1") == "aB1"
    assert quote("a.\\还") == r"a\x{2E}\x{5C}\x{8FD8}"
