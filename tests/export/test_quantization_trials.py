"""Trials have the figures of the folders they are of."""

import dataclasses
import re
import shutil
import warnings

import numpy as np
import pytest

import semmatch.export.quantization_trials
from semmatch import export_onnx
from semmatch import Matcher
from semmatch.data import Pairs
from semmatch.export.quantization_trials import measure_trials
from semmatch.export.quantization_trials import QuantizationTrial
from semmatch.export.quantization_trials import trials_table
from semmatch.export.report import ExportReport
from semmatch.serving.deploy_folder import read_config
from semmatch.serving.deploy_folder import write_config
from tests.checks import tensorflow_only
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor

pytestmark = [
    tensorflow_only,
    pytest.mark.filterwarnings("ignore:.* texts .* have more than"),
]

TEXTS_A, TEXTS_B = map(list, zip(*PAIRS, strict=True))
LABELS = [row % 2 for row in range(len(PAIRS))]
TRIALS = [
    QuantizationTrial(None, "accuracy", 0.9, 0.0, 2.0, 50.0, 4 * 2**20),
    QuantizationTrial("int8", "accuracy", 0.898, 0.002, 1.0, 25.0, 2**20),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("trials")
    export_onnx(spread_model(), root / "float32")
    # Another threshold decides otherwise: as if it were a worse model.
    other = shutil.copytree(root / "float32", root / "int8")
    config = read_config(other)
    scoring = dataclasses.replace(config.scoring, threshold=0.99)
    write_config(
        other, dataclasses.replace(config, scoring=scoring, quantization="int8")
    )
    return {None: root / "float32", "int8": other}


@pytest.fixture
def timed(monkeypatch):
    """Has no time pass, and gives what was asked to be timed."""
    asked = []

    class Report:
        def __init__(self, seconds):
            self.latencies = [self]
            self.p50 = seconds

    def measure(matcher, *, batch_sizes, lengths, repeats):
        [size], [length] = batch_sizes, lengths
        asked.append((matcher.config.quantization, size, length, repeats))
        # The second time is the best.
        return Report(size + [9.0, 1.0, 5.0][(len(asked) - 1) // 4])

    monkeypatch.setattr(
        semmatch.export.quantization_trials, "measure_latency", measure
    )
    return asked


def test_accuracy_is_at_the_threshold_of_each_folder(folders, timed):
    trials = measure_trials(folders, Pairs(TEXTS_A, TEXTS_B, LABELS))
    scores = Matcher(folders[None]).score(PAIRS)
    values = [np.mean((scores >= limit) == LABELS) for limit in (0.5, 0.99)]
    for one, value, folder in zip(
        trials, values, folders.values(), strict=True
    ):
        assert one.figure == "accuracy"
        assert one.value == pytest.approx(value)
        assert one.loss == pytest.approx(values[0] - value)
        sizes = [file.stat().st_size for file in folder.iterdir()]
        assert one.bytes == sum(sizes)
    assert [one.quantization for one in trials] == [None, "int8"]


def test_the_best_of_several_rounds_counts_and_folders_take_turns(
    folders, timed
):
    trials = measure_trials(folders, Pairs(TEXTS_A, TEXTS_B, LABELS))
    for one in trials:
        assert (one.milliseconds, one.batch_milliseconds) == (2.0, 33.0)
        assert one.time == 2.0 * 33.0
    turns = [(name, size) for name, size, _, _ in timed]
    once = [(None, 1), (None, 32), ("int8", 1), ("int8", 32)]
    assert turns == once * 3


def test_the_length_is_that_of_the_median_pair(folders, timed):
    data = Pairs(["取消"] * 3, ["取消", "怎么取消借款", "取消" * 9], [0, 1, 3])
    tokenizer = Matcher(folders[None]).packer.tokenizer
    ids_a, ids_b = map(tokenizer.tokenize, (data.text_a, data.text_b))
    expected = sorted(
        min(16, len(a) + len(b) + 3) for a, b in zip(ids_a, ids_b, strict=True)
    )
    measure_trials(folders, data)
    assert {length for _, _, length, _ in timed} == {expected[1]}


@pytest.mark.parametrize(("prompt", "expected"), [("", 2 + 4), ("取", 3 + 4)])
def test_of_a_bi_encoder_it_is_that_of_the_median_passage(
    tmp_path, timed, prompt, expected
):
    preprocessor = bi_preprocessor(passage_prompt=prompt)
    model = bi_model(None, preprocessor)
    export_onnx(model, tmp_path / "deploy")
    # Empty passages too: the least is what can be timed at all.
    data = Pairs(["取消", "如何还款", "取"], ["", "", "取消" * 9], [0, 1, 3])
    measure_trials({None: tmp_path / "deploy"}, data)
    assert {length for _, _, length, _ in timed} == {expected}


def mean_ranks(values):
    values = np.array(values)
    below = (values[:, None] > values).sum(axis=1)
    return below + (values[:, None] == values).sum(axis=1) / 2


def test_graded_labels_are_compared_by_their_order(folders, timed):
    labels = [row % 5 for row in range(len(PAIRS))]
    trials = measure_trials(folders, Pairs(TEXTS_A, TEXTS_B, labels))
    scores = Matcher(folders[None]).score(PAIRS)
    expected = np.corrcoef(mean_ranks(labels), mean_ranks(scores))[0, 1]
    for one in trials:
        assert one.figure == "Spearman"
        assert one.value == pytest.approx(expected)
        assert one.loss == 0


def test_a_model_that_decides_about_all_alike_is_refused(folders, timed):
    matcher = Matcher(folders[None])
    scores = matcher.score(PAIRS)
    above = [
        pair for pair, score in zip(PAIRS, scores, strict=True) if score > 0.6
    ]
    text_a, text_b = map(list, zip(*above, strict=True))
    data = Pairs(text_a, text_b, [1] * len(above))
    message = (
        rf"different ways.*Received: {len(above)} pairs, all of them decided "
        r"to be of class 1\. The threshold is 0\.5; fit it.*fit_threshold"
    )
    with pytest.raises(ValueError, match=message):
        measure_trials({None: folders[None]}, data)
    assert timed == []


def test_one_pair_is_too_few_for_a_threshold_too(folders, timed):
    data = Pairs(["取消"], ["还款"], [1])
    with pytest.raises(ValueError, match=r"1 pairs, .* Take more pairs, of"):
        measure_trials({None: folders[None]}, data)


def test_labels_beyond_the_classes_are_refused(tmp_path, timed):
    export_onnx(spread_model(num_classes=3), tmp_path / "deploy")
    data = Pairs(TEXTS_A, TEXTS_B, [row % 4 for row in range(len(PAIRS))])
    message = r"`data.label` must be in \[0, 3\)"
    with pytest.raises(ValueError, match=message):
        measure_trials({None: tmp_path / "deploy"}, data)


def test_pairs_of_a_token_each_are_enough(folders):
    data = Pairs(
        ["取", "还", "借", "消"], ["还", "款", "借", "消"], [0, 1, 2, 3]
    )
    assert all(
        trial.milliseconds > 0 for trial in measure_trials(folders, data)
    )


def test_what_is_said_of_pairs_is_said_once(folders, timed):
    long = [*TEXTS_A, "取消" * 500]
    data = Pairs(long, [*TEXTS_B, "还款" * 500], [*LABELS, 1])
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        measure_trials(folders, data)
    assert sum("have more than" in str(one.message) for one in found) == 1


def test_a_table_marks_what_was_kept():
    rows = trials_table(TRIALS, "int8").splitlines()
    heads = ["accuracy", "loss", "ms, 1", "ms, 32", "MiB"]
    assert re.split(r"  +", rows[0].strip()) == heads
    cells = [row.split() for row in rows]
    assert ["float32", "0.9000", "0.0000", "2.00", "50.00", "4.0"] in cells
    assert ["*", "int8", "0.8980", "0.0020", "1.00", "25.00", "1.0"] in cells
    assert "* float32" in trials_table(TRIALS, None)


def test_a_report_shows_the_trials():
    report = ExportReport(0.02, 3.21, 2**20, 0.01, "int8", tuple(TRIALS))
    line, blank, *table = str(report).split("\n")
    assert line == (
        "int8, 1.0 MiB in 3.2 s, largest difference of a score 2e-02, of a "
        "vector 1e-02"
    )
    assert blank == ""
    assert "\n".join(table) == trials_table(TRIALS, "int8")
