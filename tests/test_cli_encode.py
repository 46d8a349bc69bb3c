"""Bi-encoders on the command line, and the file of vectors it writes."""

import shutil
import types
from pathlib import Path

import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import Matcher
from semmatch.cli import main
from semmatch.serving.embedding_scorer import SIDES
from semmatch.serving.precision import PRECISIONS
from tests.checkpoints.test_sentence_transformers import whole
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.checks import tiny_model
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor
from tests.test_cli import error_of
from tests.test_cli import write

pytestmark = tensorflow_only


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A preset, and the deploy folder that the command makes of it."""
    root = tmp_path_factory.mktemp("cli")
    model = bi_model(preprocessor=bi_preprocessor(query_prompt="如何"))
    model.save_to_preset(root / "preset")
    assert main(["export", str(root / "preset"), str(root / "deploy")]) == 0
    return types.SimpleNamespace(
        preset=str(root / "preset"), deploy=str(root / "deploy")
    )


@pytest.fixture
def texts(tmp_path):
    lines = ["\ufeff" + TEXTS[0], "", *TEXTS[1:], "  "]
    return write(tmp_path / "texts.txt", "\n".join(lines))


LINES = [TEXTS[0], "", *TEXTS[1:], "  "]


def test_a_preset_of_a_bi_encoder_is_exported_as_one(folders, tmp_path, capsys):
    model = BiEncoder.from_preset(folders.preset)
    found = Matcher(folders.deploy).encode(TEXTS, side="query")
    expected = model.encode(TEXTS, side="query")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    folder = str(tmp_path / "small")
    command = ["export", folders.preset, folder, "--quantize", "int8"]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert "largest difference of a score " in output
    share = float(output.split("of a vector ")[1])
    assert 1e-5 < share < 0.1  # it was quantised


def test_a_folder_of_sentence_transformers_is_exported(tmp_path):
    folder = whole("projected", tmp_path)
    deploy = str(tmp_path / "deploy")
    assert main(["export", str(folder), deploy]) == 0
    matcher = Matcher(deploy)
    assert (matcher.embedding.dim, matcher.embedding.similarity) == (7, "dot")
    expected = BiEncoder.from_preset(folder).encode(["a b", "c"])
    np.testing.assert_allclose(
        matcher.encode(["a b", "c"]), expected, atol=1e-5
    )


def test_pairs_are_scored_and_lines_ranked(folders, texts, tmp_path, capsys):
    pairs = [(TEXTS[0], TEXTS[1]), (TEXTS[2], TEXTS[2])]
    lines = [f"{a}\t{b}\t1\n" for a, b in pairs]
    path = write(tmp_path / "pairs.tsv", "".join(lines))
    assert main(["score", folders.deploy, path]) == 0
    shown = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    scores = Matcher(folders.deploy).score(pairs)
    assert [float(line[0]) for line in shown] == pytest.approx(scores, abs=1e-6)
    assert main(["rank", folders.deploy, TEXTS[1], texts]) == 0
    ranked = Matcher(folders.deploy).rank(TEXTS[1], TEXTS)
    expected = [f"{place.score:.4f}\t{place.text}" for place in ranked]
    assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_line_has_its_vector(
    folders, texts, tmp_path, capsys, side, precision
):
    path = tmp_path / "made" / "vectors"  # named as it was asked for
    options = ["--side", side, "--precision", precision, "--truncate-dim", "5"]
    assert main(["encode", folders.deploy, texts, str(path), *options]) == 0
    assert capsys.readouterr().out == f"{path}: 7 x 5 {precision}\n"
    found = np.load(path)
    expected = Matcher(folders.deploy).encode(
        LINES, side=side, precision=precision, truncate_dim=5
    )
    assert found.dtype == precision
    np.testing.assert_array_equal(found, expected)
    assert list(path.parent.iterdir()) == [path]


def test_passages_of_float32_are_the_default(folders, tmp_path, capsys):
    texts = write(tmp_path / "texts.txt", "还款\n取消\n")
    assert main(["encode", folders.deploy, texts, str(tmp_path / "a.npy")]) == 0
    assert capsys.readouterr().out.endswith("a.npy: 2 x 8 float32\n")
    np.testing.assert_array_equal(
        np.load(tmp_path / "a.npy"),
        Matcher(folders.deploy).encode(["还款", "取消"]),
    )


def test_no_lines_are_no_vectors(folders, tmp_path):
    empty = write(tmp_path / "empty.txt", "")
    path = tmp_path / "vectors.npy"
    assert main(["encode", folders.deploy, empty, str(path)]) == 0
    assert np.load(path).shape == (0, 8)


def test_what_cannot_be_encoded_leaves_the_file_that_was_there(
    folders, texts, tmp_path, capsys
):
    path = tmp_path / "vectors.npy"
    path.write_bytes(b"old")
    encode = ["encode", folders.deploy]
    many = ["--truncate-dim", "9"]
    message = error_of(capsys, *encode, texts, str(path), *many)
    assert "at most 8, the model's" in message
    latin = write(tmp_path / "latin.txt", b"\xb4\xf2")
    assert "is not UTF-8" in error_of(capsys, *encode, latin, str(path))
    message = error_of(capsys, *encode, texts, str(tmp_path))
    assert "Expected a file to write" in message
    assert path.read_bytes() == b"old"
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["latin.txt", "texts.txt", "vectors.npy"]


def test_vectors_of_a_cross_encoder_are_refused(texts, tmp_path, capsys):
    tiny_model().save_to_preset(tmp_path / "preset")
    deploy = str(tmp_path / "deploy")
    assert main(["export", str(tmp_path / "preset"), deploy]) == 0
    capsys.readouterr()
    path = tmp_path / "vectors.npy"
    message = error_of(capsys, "encode", deploy, texts, str(path))
    assert "is the folder of a CrossEncoder" in message
    assert not path.exists()


def test_a_damaged_preset_is_named(folders, tmp_path, capsys):
    folder = Path(shutil.copytree(folders.preset, tmp_path / "preset"))
    (folder / "semmatch_preset.json").write_text("{")
    out = str(tmp_path / "deploy")
    message = error_of(capsys, "export", str(folder), out)
    assert "semmatch_preset.json is not readable as JSON" in message
