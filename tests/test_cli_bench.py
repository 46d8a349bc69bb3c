"""`semmatch bench` times a folder, as a table, as JSON and as a picture."""

import json

import pytest

from semmatch.cli import main
from tests.checks import run_python
from tests.serving.graphs import config
from tests.serving.graphs import write_deploy
from tests.test_cli import error_of

QUICK = ["--batch-sizes", "1", "3", "--lengths", "8", "16", "--repeats", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(write_deploy(tmp_path_factory.mktemp("deploy"), config()))


def test_a_table_is_printed(folder, capsys):
    assert main(["bench", folder, *QUICK, "--num-threads", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    first, *_, one, two, three, four = printed.out.splitlines()
    assert first.startswith("cross_encoder, onnxruntime ")
    assert ", 1 thread, " in first
    starts = [line[:6].strip() for line in (one, two, three, four)]
    assert starts == ["1 x 8", "3 x 8", "1 x 16", "3 x 16"]


def test_vectors_are_timed_as_json(tmp_path, capsys):
    folder = write_deploy(tmp_path, config("bi_encoder", width=2))
    command = ["bench", str(folder), *QUICK, "--num-threads", "2", "--json"]
    assert main(command) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["kind"] == "bi_encoder"
    assert record["num_threads"] == 2
    assert record["repeats"] == 2
    cells = [(one["batch_size"], one["length"]) for one in record["latencies"]]
    assert cells == [(1, 8), (3, 8), (1, 16), (3, 16)]
    for one in record["latencies"]:
        assert 0 < one["graph_p50"] < one["p50"] <= one["p95"] <= one["p99"]
        assert one["per_second"] > 0


def test_sizes_and_lengths_have_defaults(tmp_path, capsys):
    folder = write_deploy(tmp_path, config(sequence_length=20))
    command = ["bench", str(folder), "--repeats", "1", "--json"]
    assert main(command) == 0
    record = json.loads(capsys.readouterr().out)
    cells = [(one["batch_size"], one["length"]) for one in record["latencies"]]
    assert cells == [(1, 16), (8, 16), (32, 16)]


def test_a_picture_is_written_beside_the_table(folder, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "latency.png"
    assert main(["bench", folder, *QUICK, "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert "pairs x tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch-sizes", "0"], "batch_sizes=0"),
        (["--lengths", "99"], "the model takes 64 tokens"),
        (["--repeats", "0"], "repeats=0"),
        (["--num-threads", "0"], "num_threads=0"),
        (["--provider", "cuda"], "provider='cuda'"),
        (["--plot", "latency.pdf"], "must end in .png"),
    ],
)
def test_wrong_options_are_one_line(folder, capsys, options, message):
    assert message in error_of(capsys, "bench", folder, *options)


def test_the_provider_is_named_or_its_extra(folder, capsys):
    reason = "needs openvino: pip install 'semmatch[openvino]'"
    pytest.importorskip("openvino", reason=reason)
    assert main(["bench", folder, *QUICK, "--provider", "openvino"]) == 0
    assert "cross_encoder, openvino 20" in capsys.readouterr().out


def test_a_missing_extra_is_one_line(folder, capsys, monkeypatch):
    def missing(module, extra):
        raise ImportError(f"This needs `{module}`, of semmatch[{extra}]")

    name = "semmatch.serving.openvino_session.require"
    monkeypatch.setattr(name, missing)
    message = error_of(capsys, "bench", folder, "--provider", "openvino")
    assert "semmatch[openvino]" in message


def test_a_folder_that_is_none_is_named(tmp_path, capsys):
    message = error_of(capsys, "bench", str(tmp_path / "nothing"))
    assert "Expected a folder that `export_onnx` wrote" in message


def test_no_framework_is_needed(folder):
    code = (
        "import sys; from semmatch.cli import main; main(sys.argv[1:]);"
        "print({'keras', 'tensorflow', 'torch', 'onnx'} & set(sys.modules))"
    )
    output = run_python(code, "bench", folder, *QUICK)
    assert output.splitlines()[-1] == "set()"
