"""The command that starts workers."""

import pytest

from semmatch.cli import main
from tests.checks import run_python
from tests.test_launch import program


def test_the_command_starts_workers_and_returns_their_status(
    capfd, monkeypatch
):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    arguments = ["launch", "--workers", "1", "--restarts", "1", "--"]
    code = "import sys; print(sys.argv[1:]); os._exit(4)"
    assert main([*arguments, *program(code), "--epochs", "3"]) == 4
    printed = capfd.readouterr()
    assert printed.out.splitlines() == ["[0] ['--epochs', '3']"] * 2
    assert "all start again, 1 times at most" in printed.err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([], "needs a program"),
        (["--"], "needs a program"),
        (["--", "/no/such/program"], "/no/such/program"),
    ],
)
def test_a_program_that_cannot_start_is_told(
    command, message, capsys, monkeypatch
):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main(["launch", "--workers", "2", *command]) == 1
    assert message in capsys.readouterr().err


def test_the_launcher_needs_no_framework(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    code = """
import sys
from semmatch.cli import main
assert main(["launch", "--workers", "1", "--", "true"]) == 0
print(sorted({"tensorflow", "keras", "numpy"} & set(sys.modules)))
"""
    assert run_python(code).splitlines()[-1] == "[]"
