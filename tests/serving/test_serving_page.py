"""The page on serving runs, and its plain scripts score as `Matcher` does."""

import importlib.util
import io
import json
import shlex

import numpy as np
import pytest

from semmatch import export_onnx
from semmatch import Matcher
from semmatch import Pairs
from semmatch import Scoring
from semmatch.cli import main
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.checks import tiny_preprocessor
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor
from tests.serving.graphs import config
from tests.serving.graphs import write_deploy
from tests.test_docs import blocks

PAGE = "docs/serving.md"


def python_blocks():
    """The blocks of the page by what they are of."""
    titles = (
        "matcher",
        "quantize",
        "threads",
        "warm-up",
        "service",
        "bench",
        "openvino",
        "pairs",
        "vectors",
    )
    return dict(zip(titles, blocks(PAGE, "python"), strict=True))


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_deploy(tmp_path / "deploy", config())
    write_deploy(
        tmp_path / "finder",
        config("bi_encoder", width=3, query_prompt="如何"),
    )
    return python_blocks()


def test_a_matcher_is_made_and_measured(page, capsys):
    names = {}
    exec(page["matcher"], names)
    assert len(capsys.readouterr().out.splitlines()) == 2
    exec(page["threads"], names)
    assert capsys.readouterr().out.startswith("2 onnxruntime ")
    exec(page["warm-up"], names)
    exec(page["bench"], names)
    assert "pairs x tokens" in capsys.readouterr().out
    assert names["slowest"] > 0


@tensorflow_only
def test_a_form_is_chosen_and_said(page, capsys):
    model = spread_model()
    labels = (model.score(PAIRS) > 0.5).astype(int)
    valid = Pairs(*map(list, zip(*PAIRS, strict=True)), labels)
    names = {"model": model, "valid": valid}
    exec(page["quantize"], names)
    kept = names["report"].quantization
    assert Matcher("deploy").config.quantization == kept
    assert f"\n* {kept or 'float32'} " in capsys.readouterr().out


def test_openvino_computes_the_folder(page):
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("needs openvino: pip install 'semmatch[openvino]'")
    names = {"Matcher": Matcher}
    exec(page["openvino"], names)
    assert names["matcher"].provider.startswith("openvino ")


def test_the_service_answers(page):
    names = {}
    exec(page["service"], names)
    request = json.dumps({"query": TEXTS[0], "candidates": TEXTS}).encode()
    environ = {
        "CONTENT_LENGTH": str(len(request)),
        "wsgi.input": io.BytesIO(request),
    }
    started = []
    [body] = names["application"](environ, lambda *head: started.append(head))
    assert started == [("200 OK", [("Content-Type", "application/json")])]
    expected = Matcher("deploy").rank(TEXTS[0], list(TEXTS))
    assert [one["index"] for one in json.loads(body)] == [
        place.index for place in expected
    ]


def test_the_folder_is_timed(page, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    [command] = [
        line
        for block in blocks(PAGE, "bash")
        for line in block.splitlines()
        if line.startswith("semmatch ")
    ]
    arguments = shlex.split(command)[1:]
    assert main([*arguments, "--repeats", "1"]) == 0
    assert "32 x 64" in capsys.readouterr().out
    assert (tmp_path / "latency.png").is_file()


def test_plain_scripts_run_as_they_stand(page, capsys):
    names = {}
    exec(page["pairs"], names)
    exec(page["vectors"], names)
    assert len(capsys.readouterr().out.splitlines()) == 2
    found = names["vectors"](TEXTS, "query")
    expected = Matcher("finder").encode(TEXTS, side="query")
    np.testing.assert_allclose(found, expected, atol=1e-5)


@tensorflow_only
@pytest.mark.filterwarnings("ignore:.* pairs .* have more than")
@pytest.mark.parametrize("truncation", ["longest_first", "only_second"])
def test_a_plain_script_scores_pairs_as_matcher_does(
    tmp_path, monkeypatch, truncation
):
    monkeypatch.chdir(tmp_path)
    model = spread_model(
        preprocessor=tiny_preprocessor(truncation=truncation),
        scoring=Scoring("sigmoid", temperature=2.0, bias=0.25),
    )
    export_onnx(model, "deploy")
    names = {}
    exec(python_blocks()["pairs"], names)
    # Hugging Face refuses pairs whose first text alone is too long.
    pairs = [
        (a, b) for a, b in PAIRS if truncation == "longest_first" or len(a) <= 8
    ]
    expected = Matcher("deploy").score(pairs)
    assert np.ptp(expected) > 0.2  # else any model would do
    np.testing.assert_allclose(names["scores"](pairs), expected, atol=1e-5)


@tensorflow_only
def test_a_plain_script_encodes_texts_as_matcher_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_deploy(tmp_path / "deploy", config())
    prompts = {"query_prompt": "如", "passage_prompt": "取"}
    export_onnx(bi_model(preprocessor=bi_preprocessor(**prompts)), "finder")
    names = {}
    page = python_blocks()
    exec(page["pairs"], names)
    exec(page["vectors"], names)
    for side in ("query", "passage"):
        found = names["vectors"]([*TEXTS, ""], side)
        expected = Matcher("finder").encode([*TEXTS, ""], side=side)
        np.testing.assert_allclose(found, expected, atol=1e-5)
