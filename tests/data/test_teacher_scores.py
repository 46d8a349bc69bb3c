"""Scores of a teacher that are kept in a file."""

import importlib

import numpy as np
import pytest

from semmatch import Scoring
from semmatch.data import Pairs
from semmatch.data import teacher_scores
from semmatch.data import TeacherScores
from semmatch.data.teacher_scores import PROBES
from semmatch.models import Ensemble
from tests.checks import tiny_model
from tests.checks import toy_pairs
from tests.models.bi_models import bi_model

# By its name, which the package gives to the function in it.
MODULE = importlib.import_module("semmatch.data.teacher_scores")
PAIRS = Pairs(["还款", "取消", "还款"], ["怎么还", "借款", "怎么还"])


class Teacher:
    """Says of a pair how long it is, and counts what it is asked."""

    num_classes = 1
    scoring = Scoring("sigmoid")

    def __init__(self, offset=0.0):
        self.offset = offset
        self.asked = []

    def logits(self, pairs):
        pairs = (
            list(zip(pairs.text_a, pairs.text_b, strict=True))
            if hasattr(pairs, "text_a")
            else list(pairs)
        )
        self.asked += [pair for pair in pairs if pair not in PROBES]
        lengths = [[10 * len(a) + len(b) + self.offset] for a, b in pairs]
        return np.array(lengths, "float32")


def test_scores_are_found_by_their_pairs(tmp_path):
    scores = teacher_scores(Teacher(), PAIRS, tmp_path / "t.npz")
    assert len(scores) == 2
    found = scores.logits([("取消", "借款"), ("还款", "怎么还")])
    assert found.tolist() == [[22.0], [23.0]]
    assert scores.logits(PAIRS).tolist() == [[23.0], [22.0], [23.0]]
    assert scores.logits(PAIRS[:0]).shape == (0, 1)


def test_order_and_border_of_texts_count(tmp_path):
    pairs = [("ab", "c"), ("a", "bc"), ("c", "ab")]
    scores = teacher_scores(Teacher(), pairs, tmp_path / "t.npz")
    assert scores.logits(pairs).tolist() == [[21.0], [12.0], [12.0]]


def test_what_the_file_has_is_not_scored_again(tmp_path):
    teacher = Teacher()
    teacher_scores(teacher, PAIRS[:1], tmp_path / "t.npz")
    scores = teacher_scores(teacher, PAIRS, tmp_path / "t.npz")
    assert teacher.asked == [("还款", "怎么还"), ("取消", "借款")]
    loaded = TeacherScores.load(tmp_path / "t.npz")
    assert loaded.logits(PAIRS).tolist() == scores.logits(PAIRS).tolist()
    assert loaded.scoring == Teacher.scoring


def test_an_interrupted_call_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "_PAIRS", 1)
    monkeypatch.setattr(MODULE, "_SECONDS", -1)

    class Falls(Teacher):
        def logits(self, pairs):
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().logits(pairs)

    pairs = [("a", "b" * count) for count in range(4)]
    with pytest.raises(KeyboardInterrupt):
        teacher_scores(Falls(), pairs, tmp_path / "t.npz")
    teacher = Teacher()
    scores = teacher_scores(teacher, pairs, tmp_path / "t.npz")
    assert teacher.asked == pairs[2:]
    assert scores.logits(pairs)[:, 0].tolist() == [10.0, 11.0, 12.0, 13.0]


def test_scores_of_other_data_are_refused(tmp_path):
    scores = teacher_scores(Teacher(), PAIRS[:1], tmp_path / "t.npz")
    with pytest.raises(ValueError, match="no scores of 1 of 3 pairs") as error:
        scores.logits(PAIRS)
    assert "'取消'" in str(error.value)
    assert "t.npz" in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offset": 5.0}, "logits that differ"),
        ({"scoring": Scoring("sigmoid", symmetric=True)}, "symmetric=True"),
        ({"scoring": Scoring("sigmoid", temperature=2.0)}, "temperature=2.0"),
    ],
)
def test_a_file_of_another_teacher_is_refused(tmp_path, change, message):
    teacher_scores(Teacher(), PAIRS, tmp_path / "t.npz")
    other = Teacher()
    for name, value in change.items():
        setattr(other, name, value)
    with pytest.raises(ValueError, match=message):
        teacher_scores(other, PAIRS, tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("sequence_length", "message"),
    [(8, "sequence_length=8 instead of 16"), (16, None)],
)
def test_who_cuts_texts_elsewhere_is_another_teacher(
    tmp_path, sequence_length, message
):
    model = tiny_model()
    teacher_scores(model, toy_pairs(2), tmp_path / "t.npz")
    model.preprocessor.packer.sequence_length = sequence_length
    if message is None:
        teacher_scores(model, toy_pairs(2), tmp_path / "t.npz")
        return
    with pytest.raises(ValueError, match=message):
        teacher_scores(model, toy_pairs(2), tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("weights", "temperature", "message"),
    [
        ([1, 3], 1.0, "weights=.0.25, 0.75. instead of .0.75, 0.25."),
        ([3, 1], 1.01, "members=.*'temperature': 1.01"),
    ],
)
def test_another_mixture_is_another_teacher(
    tmp_path, weights, temperature, message
):
    teacher_scores(
        Ensemble([Teacher(), Teacher()], [3, 1]), PAIRS, tmp_path / "t.npz"
    )
    other = Teacher()
    other.scoring = Scoring("sigmoid", temperature=temperature)
    mixture = Ensemble([other, Teacher()], weights)
    with pytest.raises(ValueError, match=message):
        teacher_scores(mixture, PAIRS, tmp_path / "t.npz")


def test_a_file_that_says_less_of_its_teacher_is_read(tmp_path):
    model = tiny_model()
    scores = teacher_scores(model, PAIRS, tmp_path / "t.npz")
    scores.identity = None
    scores.save(tmp_path / "t.npz")
    assert len(teacher_scores(model, PAIRS, tmp_path / "t.npz")) == 2
    model.scoring = model.scoring.replace(temperature=2.0)
    with pytest.raises(ValueError, match=r"temperature=2\.0 instead of 1\.0"):
        teacher_scores(model, PAIRS, tmp_path / "t.npz")


@pytest.mark.parametrize("seconds", [-1, 1000])
def test_what_another_process_adds_meanwhile_is_kept(
    tmp_path, monkeypatch, seconds
):
    monkeypatch.setattr(MODULE, "_SECONDS", seconds)
    file = tmp_path / "t.npz"

    class Slow(Teacher):
        def logits(self, pairs):
            if pairs != list(PROBES):
                teacher_scores(
                    Teacher(), [("还款", "怎么还"), ("b", "c")], file
                )
            return super().logits(pairs)

    scores = teacher_scores(Slow(), PAIRS, file)
    both = [("b", "c"), ("还款", "怎么还"), ("取消", "借款")]
    assert len(scores) == len(TeacherScores.load(file)) == 3
    assert scores.logits(both)[:, 0].tolist() == [11.0, 23.0, 22.0]


def test_another_threshold_is_no_other_teacher(tmp_path):
    teacher = Teacher()
    teacher_scores(teacher, PAIRS, tmp_path / "t.npz")
    teacher.scoring = Scoring("sigmoid", threshold=0.9)
    assert len(teacher_scores(teacher, PAIRS, tmp_path / "t.npz")) == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_logit_that_is_no_number_is_told_with_its_pair(tmp_path, value):
    class Broken(Teacher):
        def logits(self, pairs):
            logits = super().logits(pairs)
            logits[[pair == ("取消", "借款") for pair in pairs]] = value
            return logits

    with pytest.raises(ValueError, match="must be finite") as error:
        teacher_scores(Broken(), PAIRS, tmp_path / "t.npz")
    assert "'取消'" in str(error.value)
    assert not (tmp_path / "t.npz").exists()


@pytest.mark.parametrize("content", [b"", b"no scores", "half"])
def test_a_damaged_file_is_told(tmp_path, content):
    file = tmp_path / "t.npz"
    teacher_scores(Teacher(), PAIRS, file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(ValueError, match="no file of `teacher_scores`"):
        TeacherScores.load(file)


def test_the_file_of_a_newer_format_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "FORMAT_VERSION", 2)
    teacher_scores(Teacher(), PAIRS, tmp_path / "t.npz")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format version 2"):
        TeacherScores.load(tmp_path / "t.npz")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        TeacherScores.load(tmp_path / "t.npz")


@pytest.mark.parametrize("model", [tiny_model, bi_model])
def test_models_teach(tmp_path, model):
    model, pairs = model(), toy_pairs(6)
    scores = teacher_scores(model, pairs, tmp_path / "t.npz")
    expected = model.pair_scorer().logits(pairs)
    np.testing.assert_allclose(scores.logits(pairs), expected, atol=1e-5)
    np.testing.assert_allclose(
        scores.score(pairs), model.score(pairs), atol=1e-5
    )


def test_stored_scores_are_members_of_an_ensemble(tmp_path):
    stored = [
        teacher_scores(Teacher(offset), PAIRS, tmp_path / f"{offset}.npz")
        for offset in (0.0, 8.0)
    ]
    found = Ensemble(stored, weights=[3, 1]).logits(PAIRS)
    assert found.tolist() == [[25.0], [24.0], [25.0]]
