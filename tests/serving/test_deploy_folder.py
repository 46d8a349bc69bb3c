"""A deploy folder is served exactly as it was written, or not at all."""

import dataclasses
import hashlib
import json

import pytest

from semmatch import Matcher
from semmatch import Scoring
from semmatch._records import Embedding
from semmatch.serving.deploy_folder import DeployConfig
from semmatch.serving.deploy_folder import read_config
from semmatch.serving.deploy_folder import write_config

CONFIG = DeployConfig(
    kind="cross_encoder",
    sequence_length=64,
    truncation="only_second",
    scoring=Scoring("sigmoid", temperature=2.0, bias=0.5, threshold=0.75),
    versions={"semmatch": "0.1.0"},
)
VECTORS = DeployConfig(
    kind="bi_encoder",
    sequence_length=64,
    scoring=Scoring("sigmoid", temperature=0.05, bias=-15.0),
    versions={"semmatch": "0.1.0"},
    embedding=Embedding(8, "dot", True, "query: ", "passage: "),
)
FILES = {"model.onnx": b"graph" * 100, "tokenizer.json": "词".encode()}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    write_config(tmp_path, CONFIG)
    return tmp_path


def edit(folder, **changes):
    """Changes keys of semmatch.json; a key of None is removed."""
    path = folder / "semmatch.json"
    record = json.loads(path.read_text(encoding="utf-8")) | changes
    record = {key: value for key, value in record.items() if value is not None}
    path.write_text(json.dumps(record), encoding="utf-8")


def test_what_was_written_is_read(folder):
    assert read_config(folder) == CONFIG
    assert read_config(str(folder)) == CONFIG


def test_the_file_holds_every_setting_and_the_digest_of_each_file(folder):
    record = json.loads((folder / "semmatch.json").read_text("utf-8"))
    assert record == {
        "format_version": 1,
        "kind": "cross_encoder",
        "sequence_length": 64,
        "truncation": "only_second",
        "scoring": {
            "activation": "sigmoid",
            "temperature": 2.0,
            "bias": 0.5,
            "threshold": 0.75,
            "suggest_threshold": None,
            "symmetric": False,
            "long": "truncate",
        },
        "versions": {"semmatch": "0.1.0"},
        "files": {
            name: hashlib.sha256(content).hexdigest()
            for name, content in FILES.items()
        },
    }


def test_writing_again_does_not_list_the_configuration_itself(folder):
    write_config(folder, CONFIG)
    assert read_config(folder) == CONFIG


def test_other_files_may_lie_beside(folder):
    (folder / "README.md").write_text("ours")
    assert read_config(folder) == CONFIG


# `Matcher` is the one who reads folders: each error is raised through it.


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0, -1])
def test_a_changed_byte_is_found(folder, name, place):
    content = bytearray(FILES[name])
    content[place] ^= 1
    (folder / name).write_bytes(content)
    message = f"{name} is not the file that was exported.*export the model ag"
    with pytest.raises(ValueError, match=message):
        Matcher(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    message = f"lacks {name}, which semmatch.json lists. Copy the whole"
    with pytest.raises(FileNotFoundError, match=message):
        Matcher(folder)


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    message = r"that `export_onnx` wrote.*nothing \(no such folder\)"
    with pytest.raises(FileNotFoundError, match=message):
        Matcher(tmp_path / "nothing")


def test_another_folder_is_refused_with_what_it_holds(tmp_path):
    (tmp_path / "model.weights.h5").touch()
    message = r"semmatch.json in it. Received: .*\['model.weights.h5'\]"
    with pytest.raises(FileNotFoundError, match=message):
        Matcher(tmp_path)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_format_is_refused(folder, version):
    edit(folder, format_version=version)
    message = f"format version {version}; this semmatch reads version 1"
    with pytest.raises(ValueError, match=message):
        Matcher(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not readable as JSON"),
        (b"", "is not readable as JSON"),
        (b"\xff\xfe{}", "is not readable as JSON"),
        (b"[1]", "must hold a JSON object. Received: a list"),
        (b"null", "must hold a JSON object. Received: a NoneType"),
        (b"{}", "has format version None"),
    ],
)
def test_a_broken_configuration_is_refused(folder, content, message):
    (folder / "semmatch.json").write_bytes(content)
    message = f"semmatch.json {message}"
    with pytest.raises(ValueError, match=message):
        Matcher(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": None}, r"must have the keys \['files', 'kind',"),
        ({"kind": "encoder"}, "`kind` must be one of.*kind='encoder'"),
        ({"kind": ["cross_encoder"]}, r"kind=\['cross_encoder'\]"),
        ({"scoring": None}, "must have the keys"),
        ({"files": None}, "must have the keys"),
        ({"prompt": "query: "}, "Received: .*'prompt'"),
        ({"files": {}}, "must list model.onnx and tokenizer.json.*{}"),
        ({"files": ["model.onnx"]}, "must list model.onnx"),
        ({"files": {"model.onnx": ""}}, "and tokenizer.json with their SHA"),
        ({"kind": "bi_encoder"}, "`truncation` is of each cross_encoder.*"),
        ({"truncation": None}, "`truncation` is of each cross_.*=None"),
        ({"embedding": {"dim": 8}}, "`embedding` is of each bi_encoder"),
        ({"embedding": {"dim": "8"}}, "dim='8'"),
        ({"embedding": [8]}, "must be a mapping, not list"),
        ({"sequence_length": "64"}, "sequence_length='64'"),
        ({"truncation": "first"}, "truncation='first'"),
        ({"scoring": {}}, "activation"),
        ({"scoring": []}, "must be a mapping, not list"),
        ({"scoring": {"activation": "tanh"}}, "activation='tanh'"),
        ({"scoring": {"activation": "sigmoid", "scale": 2}}, "'scale'"),
    ],
)
def test_missing_unknown_and_wrong_settings_are_refused(
    folder, changes, message
):
    edit(folder, **changes)
    with pytest.raises(ValueError, match=f"semmatch.json .*{message}"):
        Matcher(folder)


def test_a_folder_without_the_newer_settings_of_scoring_is_read(folder):
    old = {"activation": "sigmoid", "threshold": 0.75}
    edit(folder, scoring=old)
    assert read_config(folder).scoring == Scoring("sigmoid", threshold=0.75)


def test_a_folder_of_vectors_says_what_they_are(folder):
    write_config(folder, VECTORS)
    record = json.loads((folder / "semmatch.json").read_text("utf-8"))
    assert record["kind"] == "bi_encoder"
    assert "truncation" not in record
    assert record["embedding"] == {
        "dim": 8,
        "similarity": "dot",
        "normalize": True,
        "query_prompt": "query: ",
        "passage_prompt": "passage: ",
    }
    assert read_config(folder) == VECTORS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding": None}, "`embedding` is of each bi_encoder.*=None"),
        ({"truncation": "only_second"}, "`truncation` is of each cross_enc"),
        ({"embedding": {"dim": 0}}, "dim=0"),
        ({"embedding": {"dim": 8, "similarity": "l2"}}, "similarity='l2'"),
        ({"embedding": {"dim": 8, "normalize": 2}}, "normalize=2"),
        ({"embedding": {"dim": 8, "query_prompt": None}}, "`query_prompt`"),
        ({"embedding": {"width": 8}}, "'width'"),
    ],
)
def test_wrong_settings_of_vectors_are_refused(folder, changes, message):
    write_config(folder, VECTORS)
    edit(folder, **changes)
    with pytest.raises(ValueError, match=f"semmatch.json .*{message}"):
        Matcher(folder)


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        (CONFIG, {"embedding": VECTORS.embedding}),
        (CONFIG, {"truncation": None}),
        (VECTORS, {"truncation": "longest_first"}),
        (VECTORS, {"embedding": None}),
    ],
)
def test_a_setting_of_another_kind_is_never_written(config, changes):
    [name] = changes
    with pytest.raises(ValueError, match=f"`{name}` is of each"):
        dataclasses.replace(config, **changes)
