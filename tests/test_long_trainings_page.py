"""What the page on long trainings shows runs."""

import os

import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import DistillationModel
from semmatch import load_faq
from semmatch import TextEncoder
from semmatch.models import BiEncoderPreprocessor
from semmatch.models import CrossEncoderPreprocessor
from semmatch.training import Resume
from tests.checks import run_python
from tests.test_docs import blocks
from tests.training import toy_training as toy
from tests.training.test_failed_batch import Ruin

PAGE = "docs/long_trainings.md"


def texts():
    faq = load_faq("zh")
    return faq.texts("train") + faq.texts("valid")


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the page takes for given."""
    monkeypatch.chdir(tmp_path)
    faq = load_faq("zh")
    train, valid = faq.pairs("train")[:200], faq.pairs("valid")[:100]
    preprocessor = CrossEncoderPreprocessor.from_texts(texts())
    encoder = TextEncoder(2000, 1, 2, 8, 16)
    model = CrossEncoder(encoder, preprocessor)
    return {"model": model, "train": train, "valid": valid}


@pytest.mark.slow
def test_the_page_runs(names, capsys, tmp_path):
    training, threads, failed, figures = blocks(PAGE, "python")
    exec(training, names)
    assert len(names["history"].epoch) == 3
    assert sorted(os.listdir("runs/1")) == [
        "metrics.csv",
        "metrics.jsonl",
        "model",
        "run.json",
        "summary.json",
    ]
    assert "pairs/s" in capsys.readouterr().err
    exec(figures, names)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == ["1", "2", "3"]

    with pytest.warns(UserWarning, match="failed_batch"):
        toy.fit(toy.toy_model(), toy.toy_data(), Resume("c"), Ruin(0, 1))
    exec(failed, {"failed": "c/failed_batch.jsonl"})
    assert capsys.readouterr().out.startswith("1 ")
    # Before TensorFlow begins to work.
    assert run_python(threads) == ""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bi-encoder", "distillation"])
def test_it_is_the_same_for_other_models(names, kind):
    if kind == "bi-encoder":
        preprocessor = BiEncoderPreprocessor.from_texts(texts())
        names["model"] = BiEncoder(TextEncoder(2000, 1, 2, 8, 16), preprocessor)
    else:
        student = CrossEncoder(
            TextEncoder(2000, 1, 2, 8, 16), names["model"].preprocessor
        )
        distiller = DistillationModel(names["model"], student)
        # What is saved is the student.
        distiller.save_to_preset = student.save_to_preset
        names["model"] = distiller
    exec(blocks(PAGE, "python")[0], names)
    assert np.isfinite(names["history"].history["loss"]).all()
