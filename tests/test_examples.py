"""The examples run, on small data, as a user would run them."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from semmatch import CrossEncoder
from semmatch import load_faq
from semmatch import Matcher
from semmatch import TextEncoder
from semmatch.models import CrossEncoderPreprocessor

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def run(monkeypatch):
    """Runs an example in this process with the arguments of a command."""

    def run(name, *arguments, **changes):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        module = runpy.run_path(str(EXAMPLES / name))
        module["main"].__globals__.update(changes)
        module["main"]()

    return run


@pytest.fixture
def config(tmp_path):
    """A configuration of `train_cross_encoder.py` with a tiny checkpoint."""
    faq = load_faq("en")
    preprocessor = CrossEncoderPreprocessor.from_texts(faq.texts("train"))
    encoder = TextEncoder(3000, 2, 2, 8, 16)
    CrossEncoder(encoder, preprocessor).save_to_preset(tmp_path / "checkpoint")
    lines = [f"preset: {tmp_path / 'checkpoint'}", f"out: {tmp_path / 'out'}"]
    for split in ("train", "valid", "test"):
        pairs = faq.pairs(split)[:96]
        rows = zip(pairs.text_a, pairs.text_b, pairs.label, strict=True)
        path = tmp_path / f"{split}.tsv"
        path.write_text("".join(f"{a}\t{b}\t{y}\n" for a, b, y in rows))
        lines.append(f"{split}: {path}")
    path = tmp_path / "config.yaml"
    path.write_text("\n".join([*lines, "epochs: 2", "num_layers: 1"]))
    return path


@pytest.mark.slow
def test_the_training_script_does_what_its_configuration_says(
    run, config, tmp_path, capsys
):
    run(
        "train_cross_encoder.py",
        "--config",
        config,
        "--set",
        "epochs=1",
        "--set",
        "hidden_dim=4",
        "--set",
        "sequence_length=32",
        "--set",
        "pooling=max",
    )
    shown = capsys.readouterr().out
    assert shown.count("val_f1") == 1  # one epoch
    assert "accuracy" in shown
    model = CrossEncoder.from_preset(tmp_path / "out" / "preset")
    assert model.backbone.num_layers == 1
    assert model.hidden_dim == 4
    assert model.pooling == "max"
    assert model.preprocessor.sequence_length == 32
    assert len(Matcher(tmp_path / "out" / "deploy").score([("a", "b")])) == 1
    assert (tmp_path / "out" / "report.png").is_file()


@pytest.mark.parametrize(
    "setting, message",
    [("epoch=1", "unknown: epoch"), ("valid=null", "lacks valid")],
)
def test_a_wrong_setting_is_refused(run, config, setting, message, capsys):
    with pytest.raises(SystemExit):
        run("train_cross_encoder.py", "--config", config, "--set", setting)
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_runs(run, tmp_path, capsys):
    run("demo.py", "--out", tmp_path, "--question", "怎么还钱", EPOCHS=1)
    shown = capsys.readouterr().out
    assert "precision" in shown
    assert "Question: 怎么还钱" in shown
    assert (tmp_path / "report.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("01_cross_encoder", "notebook/report.png"),
        ("02_bring_your_checkpoint", "checkpoint/deploy/model.onnx"),
        ("03_sentence_bert", "sentence_bert/deploy/model.onnx"),
        ("04_retrieve_and_rerank", "retrieve_and_rerank/find/model.onnx"),
        ("05_distillation", "distillation/taught/model.onnx"),
        ("06_export_and_deploy", "deploy/ranker/1/saved_model.pb"),
        ("07_distributed_training", "distributed/two/history.json"),
    ],
)
def test_a_notebook_runs(tmp_path, name, written):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        # All of it runs; the figures that it prints are not looked at.
        cell.source = re.sub(r"(?m)^EPOCHS = \d+$", "EPOCHS = 1", cell.source)
    nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    assert (tmp_path / "runs" / written).is_file()
