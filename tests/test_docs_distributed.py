"""What the page on distributed training shows runs."""

import re
import shlex
import sys

import pytest

from semmatch import CrossEncoder
from semmatch.cli import main
from semmatch.training.cluster import read_cluster
from tests.checks import run_python
from tests.checks import tensorflow_only
from tests.test_docs import blocks

PAGE = "docs/distributed_training.md"


@pytest.mark.slow
@tensorflow_only
def test_the_program_runs_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    program, _ = blocks(PAGE, "python")
    names = {}
    exec(program, names)
    assert "Epoch 2/2" in capsys.readouterr().out
    assert not list(tmp_path.glob("checkpoints/*"))
    scores = CrossEncoder.from_preset("ranker").score([("取消", "还款")])
    expected = names["model"].score([("取消", "还款")])
    assert scores.tolist() == pytest.approx(expected.tolist())


def test_the_command_starts_workers(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    command, _ = blocks(PAGE, "bash")
    (tmp_path / "train.py").write_text("print('trains')")
    words = [
        sys.executable if word == "python" else word
        for word in shlex.split(command)
    ]
    assert words[0] == "semmatch"
    assert main(words[1:]) == 0
    shown = capfd.readouterr().out.splitlines()
    assert sorted(shown) == ["[0] trains", "[1] trains"]


def test_the_configuration_names_two_hosts(monkeypatch):
    _, commands = blocks(PAGE, "bash")
    [config] = re.findall(r"TF_CONFIG='(.*?)'", commands, re.DOTALL)
    monkeypatch.setenv("TF_CONFIG", config)
    cluster = read_cluster()
    assert cluster.addresses == ("10.0.0.1:2222", "10.0.0.2:2222")
    assert cluster.index == 0


@pytest.mark.slow
def test_the_lines_for_jax_run(monkeypatch):
    pytest.importorskip("jax")
    _, lines = blocks(PAGE, "python")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    shown = "print(keras.distribution.distribution())"
    assert "DataParallel" in run_python(f"{lines}\n{shown}")
