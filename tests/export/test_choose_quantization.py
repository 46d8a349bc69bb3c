"""What is written loses no more than was admitted, or is not written."""

import dataclasses
import json
import shutil

import numpy as np
import onnx
import pytest

import semmatch.export.choose_quantization
from semmatch import export_onnx
from semmatch import Matcher
from semmatch.data import Pairs
from semmatch.export import QuantizationTrial
from semmatch.export.choose_quantization import check_choice
from semmatch.export.choose_quantization import MAX_LOSS
from semmatch.export.choose_quantization import write_quantized
from tests.checks import tensorflow_only
from tests.export.models import PAIRS
from tests.export.models import spread_model

TEXTS_A, TEXTS_B = map(list, zip(*PAIRS, strict=True))
PLAIN = Pairs(TEXTS_A, TEXTS_B)
LABELLED = Pairs(TEXTS_A, TEXTS_B, [row % 2 for row in range(len(PAIRS))])
FILES = {"model.onnx", "semmatch.json", "tokenizer.json"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("choice") / "deploy"
    export_onnx(spread_model(), folder)
    return folder


@pytest.fixture
def folder(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "deploy")


def trial(name, loss, milliseconds, batch_milliseconds=1.0):
    return QuantizationTrial(
        quantization=name,
        figure="accuracy",
        value=0.9 - loss,
        loss=loss,
        milliseconds=milliseconds,
        batch_milliseconds=batch_milliseconds,
        bytes=1,
    )


@pytest.fixture
def measured(monkeypatch):
    """Has trials come out as a test says, by the name of the folder."""

    def have(**found):
        def measure(folders, data):
            assert [read_name(folder) for folder in folders.values()] == [
                *folders
            ]
            assert data is LABELLED
            losses = {"float32": (0.0, 3.0)} | {
                name.replace("_", "-"): value for name, value in found.items()
            }
            return [trial(name, *losses[name or "float32"]) for name in folders]

        monkeypatch.setattr(
            semmatch.export.choose_quantization, "measure_trials", measure
        )

    return have


def read_name(folder):
    record = json.loads((folder / "semmatch.json").read_text("utf-8"))
    return record.get("quantization")


def kinds_in(folder):
    nodes = onnx.load(folder / "model.onnx").graph.node
    return {node.op_type for node in nodes}


pytestmark = tensorflow_only


@pytest.mark.parametrize(
    ("int8", "static", "max_loss", "kept"),
    [
        ((0.001, 2.0), (0.001, 1.0), None, "int8-static"),
        ((0.001, 1.0), (0.001, 2.0), None, "int8"),
        # The fastest loses too much.
        ((0.001, 2.0), (0.003, 1.0), None, "int8"),
        ((0.001, 2.0), (0.003, 1.0), 0.003, "int8-static"),
        # Neither is admitted, or neither is faster.
        ((0.003, 2.0), (0.003, 1.0), None, None),
        ((0.001, 2.0), (0.001, 1.0), 0.0, None),
        ((0.001, 4.0, 2.0), (-0.001, 5.0, 2.0), None, None),
        # A loss below 0 is none; what one pair gains counts as 32 do.
        ((-0.01, 2.0), (0.5, 1.0), 0.0, "int8"),
        ((0.0, 2.0, 1.0), (0.0, 1.0, 3.0), 0.0, "int8"),
        ((0.0, 2.0, 2.0), (0.0, 1.0, 3.0), 0.0, "int8-static"),
    ],
)
def test_auto_keeps_the_fastest_that_is_admitted(
    folder, measured, int8, static, max_loss, kept
):
    measured(int8=int8, int8_static=static, float32=(0.0, 3.0, 2.0))
    before = (folder / "model.onnx").read_bytes()
    found, trials = write_quantized(folder, "auto", LABELLED, max_loss)
    assert found == kept
    names = [one.quantization for one in trials]
    assert names == [None, "int8", "int8-static"]
    assert {file.name for file in folder.iterdir()} == FILES
    assert [file.name for file in folder.parent.iterdir()] == ["deploy"]
    assert read_name(folder) == kept
    assert Matcher(folder).config.quantization == kept
    kinds = kinds_in(folder)
    assert ("MatMulIntegerToFloat" in kinds) is (kept is not None)
    # Only the dynamic form looks for each row's largest component.
    assert ("ReduceMax" in kinds) is (kept == "int8")
    assert ((folder / "model.onnx").read_bytes() == before) is (kept is None)


def test_a_loss_of_just_the_limit_is_admitted(folder, measured):
    # As floats, 0.9 - 0.898 is a little more than 0.002.
    assert MAX_LOSS < 0.9 - 0.898
    measured(int8=(0.9 - 0.898, 1.0))
    found, _ = write_quantized(folder, "int8", LABELLED, None)
    assert found == "int8"


@pytest.mark.parametrize("name", ["int8", "int8-static"])
@pytest.mark.parametrize("there", [False, True])
def test_what_loses_too_much_is_refused_with_the_figures(
    tmp_path, exported, measured, monkeypatch, name, there
):
    measured(**{name.replace("-", "_"): (0.0124, 1.0)})
    folder = tmp_path / "deploy"
    if there:
        folder.mkdir()
        (folder / "model.onnx").write_text("served")
    # The trace is not what is tested, and takes long.
    graph = onnx.load(exported / "model.onnx")
    monkeypatch.setattr(
        semmatch.export.onnx, "_tower_graph", lambda *arguments: graph
    )
    message = (
        rf"quantize='{name}' loses 0\.0124 of accuracy on 33 pairs, more than "
        r"max_loss=0\.01: 0\.9000 in float32, 0\.8876 quantised; nothing was "
        "written. quantize='auto'"
    )
    with pytest.raises(RuntimeError, match=message):
        export_onnx(
            spread_model(), folder, quantize=name, data=LABELLED, max_loss=0.01
        )
    names = sorted(file.name for file in tmp_path.rglob("*"))
    assert names == (["deploy", "model.onnx"] if there else [])
    if there:
        assert (folder / "model.onnx").read_text() == "served"


@pytest.mark.parametrize("name", ["int8", "int8-static"])
def test_what_was_asked_for_is_written_if_admitted_though_slower(
    folder, measured, name
):
    measured(**{name.replace("-", "_"): (0.001, 9.0)})
    found, trials = write_quantized(folder, name, LABELLED, None)
    assert found == read_name(folder) == name
    assert [one.quantization for one in trials] == [None, name]


@pytest.mark.parametrize(
    ("name", "data"), [("int8", None), ("int8-static", PLAIN)]
)
def test_without_labels_nothing_is_measured(folder, monkeypatch, name, data):
    monkeypatch.setattr(
        semmatch.export.choose_quantization,
        "measure_trials",
        lambda *arguments: pytest.fail("it was measured"),
    )
    assert write_quantized(folder, name, data, None) == (name, ())
    assert Matcher(folder).config.quantization == name


@pytest.mark.parametrize("quantize", ["int8-static", "auto"])
def test_an_export_says_what_it_measured(tmp_path, quantize):
    model = spread_model()
    data = dataclasses.replace(
        LABELLED, label=(model.score(PAIRS) > 0.5).astype(int)
    )
    folder = tmp_path / "deploy"
    report = export_onnx(
        model, folder, quantize=quantize, data=data, max_loss=1.0
    )
    assert report.quantization == read_name(folder)
    whole, *others = report.trials
    assert whole.quantization is None
    assert whole.value == 1.0  # the labels are its own decisions
    names = [one.quantization for one in others]
    assert names == (["int8"] * (quantize == "auto") + ["int8-static"])
    fastest = min(report.trials, key=lambda one: one.time)
    if quantize == "auto":
        assert report.quantization == fastest.quantization
    for one in report.trials:
        assert one.loss == pytest.approx(1 - one.value)
        assert one.milliseconds > 0
        assert one.batch_milliseconds > 0
        if one.quantization == report.quantization:
            found = Matcher(folder).score(PAIRS) >= 0.5
            assert one.value == np.mean(found == data.label)
            assert one.bytes == report.bytes
    assert f"* {report.quantization or 'float32'}" in str(report)
    if report.quantization is not None:
        assert report.max_difference > 1e-5


@pytest.mark.parametrize(
    ("quantize", "data", "max_loss", "message"),
    [
        ("int8-static", None, None, "='int8-static' needs `data`: .*=None"),
        ("auto", None, None, "='auto' needs `data`: pairs.*quantize='int8'"),
        ("auto", PLAIN, None, "'auto' needs `data` with labels.*Pairs"),
        (None, PLAIN, None, "`data` is what a quantisation.*quantize=None"),
        (None, LABELLED, None, "`data` is what.*take quantize='auto'"),
        ("int8", PLAIN, None, "'int8' measures no ranges.*give it labels"),
        ("auto", LABELLED[:0], None, "at least one pair. Received: Pairs"),
        ("int8-static", PLAIN[:0], None, "`data` must have at least one pair"),
        (None, None, 0.1, "`max_loss` is of the accuracy.*max_loss=0.1"),
        ("int8", None, 0.1, "`max_loss` is of .*quantize='int8' and data=N"),
        ("int8-static", PLAIN, 0.1, "`max_loss` is of the accuracy of"),
        ("auto", LABELLED, -0.1, r"must be in \[0, 1\].*max_loss=-0.1"),
        ("auto", LABELLED, 2, r"must be in \[0, 1\], such as.*max_loss=2"),
        ("auto", LABELLED, float("nan"), r"in \[0, 1\].*max_loss=nan"),
        ("auto", LABELLED, True, r"in \[0, 1\].*max_loss=True"),
        ("auto", LABELLED, "0.1", r"in \[0, 1\].*max_loss='0.1'"),
    ],
)
def test_what_does_not_go_together_is_refused(
    quantize, data, max_loss, message
):
    with pytest.raises(ValueError, match=message):
        check_choice(quantize, data, max_loss)


@pytest.mark.parametrize("data", ["pairs.tsv", PAIRS, LABELLED.label])
def test_what_are_no_pairs_is_refused_before_the_work(tmp_path, data):
    with pytest.raises(TypeError, match="`data` must be `Pairs`.*Received: "):
        export_onnx(None, tmp_path / "deploy", quantize="auto", data=data)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("quantize", "data", "max_loss"),
    [
        (None, None, None),
        ("int8", None, None),
        ("int8", LABELLED, 0.0),
        ("int8-static", PLAIN, None),
        ("int8-static", LABELLED, 1.0),
        ("auto", LABELLED, None),
    ],
)
def test_what_goes_together_passes(quantize, data, max_loss):
    check_choice(quantize, data, max_loss)
