"""The command line does what the library does, or says why not."""

import json
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from semmatch import Matcher
from semmatch.cli import main
from tests.checks import run_python
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.export.models import spread_model

FIXTURES = Path(__file__).parent / "fixtures"

pytestmark = tensorflow_only


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A preset, and the deploy folder that the command makes of it."""
    root = tmp_path_factory.mktemp("cli")
    spread_model().save_to_preset(root / "preset")
    assert main(["export", str(root / "preset"), str(root / "deploy")]) == 0
    return types.SimpleNamespace(
        preset=str(root / "preset"), deploy=str(root / "deploy")
    )


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def error_of(capsys, *arguments):
    """The one line that a failing command prints."""
    assert main([*arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("semmatch: ")
    assert printed.err.count("\n") == 1
    return printed.err


# The last of `TEXTS` has more tokens than the tiny model takes.
cut_texts = pytest.mark.filterwarnings("ignore:.*pairs.*have more than")


@cut_texts
def test_export_writes_a_folder_and_says_its_size(folders, tmp_path, capsys):
    from semmatch import CrossEncoder

    folder = str(tmp_path / "deploy")
    arguments = ["export", folders.preset, folder, "--quantize", "int8"]
    assert main(arguments) == 0
    output = capsys.readouterr().out
    size = sum(file.stat().st_size for file in os.scandir(folder))
    assert output.startswith(f"{folder}: int8, {size / 2**20:.1f} MiB in ")
    assert "largest difference of a score " in output
    pairs = [(TEXTS[0], text) for text in TEXTS]
    plain = Matcher(folders.deploy).score(pairs)
    expected = CrossEncoder.from_preset(folders.preset).score(pairs)
    assert plain == pytest.approx(expected, abs=1e-5)
    small = Matcher(folder).score(pairs)
    assert small == pytest.approx(expected, abs=0.2)
    assert abs(small - expected).max() > 1e-5  # it was quantised


@cut_texts
def test_export_measures_on_pairs_and_prints_what_it_found(
    folders, tmp_path, capsys
):
    from semmatch import CrossEncoder

    model = CrossEncoder.from_preset(folders.preset)
    pairs = [(a, b) for a in TEXTS for b in TEXTS]
    labels = model.score(pairs) >= model.scoring.threshold
    assert 0 < labels.sum() < len(pairs)
    lines = [
        f"{a}\t{b}\t{label:d}\n"
        for (a, b), label in zip(pairs, labels, strict=True)
    ]
    path = write(tmp_path / "pairs.tsv", "".join(lines))
    folder = str(tmp_path / "deploy")
    arguments = ["export", folders.preset, folder, "--data", path]
    arguments += ["--quantize", "int8-static", "--max-loss"]
    assert main([*arguments, "0.9"]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"{folder}: int8-static, ")
    assert re.search("float32 +1.0000 +0.0000", output)
    assert "\n* int8-static" in output
    assert Matcher(folder).config.quantization == "int8-static"
    assert "Received: max_loss=2.0" in error_of(capsys, *arguments, "2")


def test_score_prints_each_pair_with_its_score(folders, tmp_path, capsys):
    pairs = [(TEXTS[0], TEXTS[1]), (TEXTS[2], TEXTS[2]), (TEXTS[3], TEXTS[0])]
    lines = [f"{a}\t{b}\t1\n" for a, b in pairs]
    path = write(tmp_path / "pairs.tsv", "".join(lines))
    assert main(["score", folders.deploy, path]) == 0
    scores = Matcher(folders.deploy).score(pairs)
    expected = [
        f"{score:.6f}\t{a}\t{b}"
        for score, (a, b) in zip(scores, pairs, strict=True)
    ]
    assert capsys.readouterr().out.splitlines() == expected


def test_a_line_is_a_pair_whatever_its_texts_hold(folders, tmp_path, capsys):
    row = {"text_a": "怎么\n还款\r", "text_b": "a\tb", "label": 1}
    path = write(tmp_path / "pairs.jsonl", f"{json.dumps(row)}\n")
    assert main(["score", folders.deploy, path]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.split("\t")[1:] == ["怎么\\n还款\\r", "a\\tb"]


@cut_texts
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_rank_prints_the_best_lines_and_leaves_out_blank_ones(
    folders, tmp_path, capsys, ending
):
    texts = [f"{text}\u2028{TEXTS[0]}" for text in TEXTS * 2]
    lines = ["\ufeff" + texts[0], "", *texts[1:], "  \t", ""]
    path = write(tmp_path / "texts.txt", ending.join(lines))
    arguments = ["rank", folders.deploy, TEXTS[1], path]
    ranked = Matcher(folders.deploy).rank(TEXTS[1], texts)
    expected = [f"{place.score:.4f}\t{place.text}" for place in ranked]
    for options, count in (([], 5), (["--top-k", "2"], 2)):
        assert main([*arguments, *options]) == 0
        output = capsys.readouterr().out
        assert output.split("\n")[:-1] == expected[:count]


def test_no_candidates_are_no_lines(folders, tmp_path, capsys):
    path = write(tmp_path / "texts.txt", "\n\n")
    assert main(["rank", folders.deploy, TEXTS[0], path]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (b"\xff\t1\t1\n", "pairs.tsv, line 1"),
        ("one column\n", "pairs.tsv, line 1"),
    ],
)
def test_a_bad_file_of_pairs_is_named(
    folders, tmp_path, capsys, pairs, message
):
    path = write(tmp_path / "pairs.tsv", pairs)
    assert message in error_of(capsys, "score", folders.deploy, path)


def test_bad_candidates_and_numbers_are_named(folders, tmp_path, capsys):
    texts = write(tmp_path / "texts.txt", "还款\n")
    rank = ["rank", folders.deploy, "还款"]
    assert "top_k=0" in error_of(capsys, *rank, texts, "--top-k", "0")
    missing = str(tmp_path / "missing.txt")
    assert "missing.txt" in error_of(capsys, *rank, missing)
    latin = write(tmp_path / "latin.txt", b"\xb4\xf2")
    assert "latin.txt is not UTF-8" in error_of(capsys, *rank, latin)
    query = ["rank", folders.deploy, "\udce4", texts]
    assert "query 0" in error_of(capsys, *query)


@pytest.fixture
def data(tmp_path):
    """Two files of pairs, one with a row that cannot be read."""
    train = "还款\t如何还款\t1\n取消\t还款\t0\n取消\t\t1\n"
    return types.SimpleNamespace(
        train=write(tmp_path / "train.tsv", train),
        test=write(tmp_path / "test.tsv", "如何还款\t还款\t1\n"),
    )


def test_report_data_prints_the_tables_and_the_notes(data, capsys):
    command = ["report-data", data.train, "--against", f"test={data.test}"]
    assert main(command) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = [line.split() for line in printed.out.splitlines()]
    assert ["all", "2", "100.0%"] in lines
    assert ["shared", "with", "test", "0", "1"] in lines
    assert "train.tsv, line 3: the second text is empty." in printed.out


@pytest.mark.parametrize(
    "against",
    [
        ["--against", "test={test}", "same={train}"],
        ["--against", "test={test}", "--against", "same={train}"],
    ],
)
def test_report_data_gives_json_of_several_splits(data, capsys, against):
    against = [text.format(**vars(data)) for text in against]
    assert main(["report-data", data.train, *against, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["num_pairs"] == 2
    assert record["class_counts"] == {"0": 1, "1": 1}
    assert record["tokens"] is None
    assert list(record["shared"]) == ["test", "same"]
    assert record["shared"]["test"]["pairs_any_order"] == 1
    assert record["shared"]["same"]["pairs_in_order"] == 2
    skipped = [note for note in record["notes"] if "left out" in note]
    assert [note.split()[2] for note in skipped] == ["these", "same"]


def tokens_of(folder, data, capsys):
    """The tokens that the command counts with the tokenizer of a folder."""
    command = ["report-data", data.train, "--preset", str(folder), "--json"]
    assert main(command) == 0
    return json.loads(capsys.readouterr().out)["tokens"]


def test_report_data_counts_the_tokens_of_a_preset(folders, data, capsys):
    from semmatch import CrossEncoder
    from semmatch import read_pairs

    with pytest.warns(UserWarning, match="skipped 1"):
        pairs = read_pairs(data.train, on_error="skip")
    preprocessor = CrossEncoder.from_preset(folders.preset).preprocessor
    lengths = preprocessor.lengths(pairs.text_a, pairs.text_b)
    assert max(lengths) < preprocessor.sequence_length
    for folder in (folders.preset, folders.deploy):
        tokens = tokens_of(folder, data, capsys)
        assert tokens["lengths"]["p50"] == min(lengths)
        assert tokens["lengths"]["maximum"] == max(lengths)
        assert tokens["sequence_length"] == preprocessor.sequence_length


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        (None, 40),  # the positions of its config.json
        ({"model_max_length": 24}, 24),
        ({"model_max_length": 1e30}, 40),
        ({"model_max_length": None}, 40),
    ],
)
def test_report_data_reads_the_limit_of_a_checkpoint(
    data, tmp_path, capsys, config, limit
):
    from semmatch import CrossEncoder

    folder = tmp_path / "checkpoint"
    shutil.copytree(FIXTURES / "bert_tiny", folder)
    if config is not None:
        write(folder / "tokenizer_config.json", json.dumps(config))
    with pytest.warns(UserWarning, match="no head"):
        model = CrossEncoder.from_preset(folder)
    assert model.preprocessor.sequence_length == limit
    (folder / "model.safetensors").unlink()  # weights are not read
    assert tokens_of(folder, data, capsys)["sequence_length"] == limit


def test_report_data_needs_no_framework(folders, data):
    code = (
        "import sys; from semmatch.cli import main; main(sys.argv[1:]);"
        "print({'keras', 'tensorflow', 'torch'} & set(sys.modules))"
    )
    arguments = ["report-data", data.train, "--preset", folders.preset]
    assert run_python(code, *arguments).splitlines()[-1] == "set()"


def test_what_report_data_cannot_read_is_named(folders, data, tmp_path, capsys):
    report = ["report-data", data.train]
    missing = str(tmp_path / "missing.tsv")
    assert "missing.tsv" in error_of(capsys, "report-data", missing)
    message = error_of(capsys, *report, "--against", f"test={missing}")
    assert "missing.tsv" in message
    twice = ["--against", f"test={data.test}", f"test={data.train}"]
    assert "names 'test' twice" in error_of(capsys, *report, *twice)
    message = error_of(capsys, *report, "--preset", missing)
    assert "There is none at" in message
    empty = tmp_path / "empty"
    empty.mkdir()
    message = error_of(capsys, *report, "--preset", str(empty))
    assert "Expected tokenizer.json, vocab.txt, " in message
    shutil.copy(Path(folders.preset) / "tokenizer.json", empty)
    message = error_of(capsys, *report, "--preset", str(empty))
    assert "is no checkpoint: it has no config.json" in message
    write(empty / "bert_config.json", "{}")
    message = error_of(capsys, *report, "--preset", str(empty))
    assert "bert_config.json lacks max_position_embeddings" in message
    write(empty / "bert_config.json", '{"max_position_embeddings": 24}')
    assert main([*report, "--preset", str(empty)]) == 0
    assert "sequence_length=24 cuts" in capsys.readouterr().out
    write(empty / "semmatch_preset.json", '{"config": null}')
    message = error_of(capsys, *report, "--preset", str(empty))
    assert "does not say how long a pair may be" in message


def test_folders_that_are_none_are_named(folders, tmp_path, capsys):
    texts = write(tmp_path / "texts.txt", "还款\n")
    message = error_of(capsys, "rank", folders.preset, "还款", texts)
    assert "Expected a folder that `export_onnx` wrote" in message
    out = tmp_path / "deploy"
    message = error_of(capsys, "export", str(tmp_path / "no"), str(out))
    assert str(tmp_path / "no") in message
    assert not out.exists()
    message = error_of(capsys, "export", folders.preset, texts)
    assert "texts.txt is a file" in message


def test_another_backend_is_an_error_of_one_line(
    folders, tmp_path, capsys, monkeypatch
):
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    folder = tmp_path / "deploy"
    message = error_of(capsys, "export", folders.preset, str(folder))
    assert "KERAS_BACKEND=tensorflow" in message
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "required: {export,score,rank,encode,report-data,inspect,"
            "bench,launch}",
        ),
        (["distil"], "invalid choice: 'distil'"),
        (["export", "a", "b", "--quantize", "int4"], "invalid choice: 'int4'"),
        (["rank", "a", "b", "c", "--top-k", "x"], "invalid int value: 'x'"),
        (["report-data", "a", "--against", "b"], "expected NAME=PATH, not 'b'"),
        (["report-data", "a", "--against", "=b"], "not '=b'"),
        (["report-data", "a", "--against", "b="], "not 'b='"),
    ],
)
def test_wrong_arguments_show_the_usage(capsys, arguments, message):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("usage: semmatch")
    assert message in printed


def test_help_lists_the_commands_in_a_process_of_its_own():
    output = subprocess.run(
        [sys.executable, "-m", "semmatch.cli", "--help"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert output.stderr == ""
    assert output.stdout.startswith("usage: semmatch")
    for command in ("export", "score", "rank", "encode", "report-data"):
        assert command in output.stdout


def test_inspect_says_what_a_folder_is(folders, capsys):
    assert main(["inspect", folders.preset]) == 0
    text = capsys.readouterr().out
    assert "semmatch preset of a CrossEncoder" in text
    assert main(["inspect", folders.deploy, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["kind"].startswith("deploy folder of a cross_encoder")
    assert "none at" in error_of(capsys, "inspect", "absent")
