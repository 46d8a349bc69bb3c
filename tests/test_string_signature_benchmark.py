"""The benchmark of string signatures runs, on small data."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.checks import tiny_preprocessor

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks"
BENCHMARK /= "string_signature.py"


@pytest.mark.slow
def test_each_model_and_tokenizer_is_reported(workplace, monkeypatch, capsys):
    (workplace / "pieces").mkdir()
    tiny_preprocessor().tokenizer.save(workplace / "pieces")
    arguments = (
        "--data qa_corpus --models chinese-rbt4 --tokenizers pieces --pairs 9"
    )
    monkeypatch.setattr(sys, "argv", [BENCHMARK.name, *arguments.split()])
    runpy.run_path(str(BENCHMARK))["main"]()
    shown = capsys.readouterr().out
    for name in ("chinese-rbt4", "pieces"):
        assert f"{name} (WordPiece): 0 of 384 texts have other tokens" in shown
    assert shown.count("scores of 9 pairs differ by at most") == 2


def test_texts_of_other_ids_are_found():
    other_texts = runpy.run_path(str(BENCHMARK))["other_texts"]

    class Model:
        preprocessor = tiny_preprocessor()

    texts = ["取消", "借款还款", "如何还款"]
    packed = Model.preprocessor.pack(texts, [""] * 3)["token_ids"]
    pad = Model.preprocessor.tokenizer.pad_id
    wider = np.pad(packed, [(0, 0), (0, 8)], constant_values=pad)
    for found in (packed, wider):
        assert other_texts(Model, texts, found) == []
        found = found.copy()
        found[1, 2] += 1
        assert other_texts(Model, texts, found) == ["借款还款"]
