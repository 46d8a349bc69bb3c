"""Pairs that are read one by one."""

import json
import tracemalloc
import warnings

import pytest

from semmatch.data import Pairs
from semmatch.data import PairStream
from semmatch.data import read_pairs

LINES = "甲\t乙\t1\n丙\t丁\t0.5\n"
PAIRS = [("甲", "乙", 1.0), ("丙", "丁", 0.5)]


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_a_file_is_read_anew_each_time(write):
    stream = PairStream(write("x.tsv", LINES))
    assert list(stream) == PAIRS
    write("x.tsv", LINES + "戊\t己\t0\n")
    assert list(stream) == [*PAIRS, ("戊", "己", 0.0)]
    assert stream.has_label
    assert repr(stream).endswith("x.tsv, with labels)")


def test_without_labels_there_is_none(write):
    stream = PairStream(str(write("x.csv", "甲,乙\n")))
    assert list(stream) == [("甲", "乙", None)]
    assert not stream.has_label


def test_every_format_gives_what_read_pairs_gives(write):
    record = {"text_a": "甲", "text_b": "乙", "label": 1}
    paths = [
        write("x.tsv", "text_a\ttext_b\tlabel\n甲\t乙\t1\n"),
        write("x.csv", 'text_a,text_b,label\n"甲",乙,1\n'),
        write("x.jsonl", json.dumps(record) + "\n"),
        write("train/train.seq1.in", "甲\n").parent,
    ]
    write("train/train.seq2.in", "乙\n")
    write("train/train.label", "1\n")
    for path in paths:
        pairs = read_pairs(path)
        assert (pairs.text_a, pairs.text_b) == (["甲"], ["乙"])
        assert list(PairStream(path)) == [("甲", "乙", 1.0)]
    assert list(PairStream(paths)) == [("甲", "乙", 1.0)] * 4


def test_several_files_follow_each_other(write):
    paths = [write("a.tsv", LINES), write("b.tsv", "戊\t己\t0\n")]
    stream = PairStream(paths)
    assert [pair[0] for pair in stream] == ["甲", "丙", "戊"]
    assert stream.name == f"{paths[0]} and 1 more"


def test_options_are_those_of_read_pairs(write):
    path = write("x.tsv", "q\ta\n甲\t乙\n")
    assert list(PairStream(path, columns=("a", "q"))) == [("乙", "甲", None)]
    assert list(PairStream(path, header=True)) == [("甲", "乙", None)]
    with pytest.raises(ValueError, match="`on_error` must be one of.*'drop'"):
        PairStream(path, on_error="drop")
    with pytest.raises(ValueError, match="no column 'z'"):
        PairStream(path, columns=("q", "z"))


def test_a_bad_row_is_named_when_it_is_reached(write):
    pairs = iter(PairStream(write("x.tsv", "甲\t乙\t1\n甲\t \t1\n")))
    assert next(pairs) == ("甲", "乙", 1.0)
    with pytest.raises(ValueError, match="x.tsv, line 2: the second text is e"):
        next(pairs)


def test_skipped_rows_are_counted_and_the_first_are_kept(write):
    content = LINES + "甲\t\t1\n" * 1_200
    stream = PairStream(write("x.tsv", content), on_error="skip")
    for _ in range(2):
        message = "x.tsv: skipped 1200 of 1202 rows:\n.*line 3: the second.*"
        with pytest.warns(UserWarning, match=message) as caught:
            assert list(stream) == PAIRS
        assert "and 1195 more, see `PairStream.skipped`" in str(
            caught[0].message
        )
        assert caught[0].filename == __file__
        assert stream.num_skipped == 1_200
        assert len(stream.skipped) == 1_000
        assert "line 1002:" in stream.skipped[-1]


def test_good_files_are_read_in_silence(write):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream = PairStream(write("x.tsv", LINES), on_error="skip")
        assert list(stream) == PAIRS
    assert (stream.num_skipped, stream.skipped) == (0, [])


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ([], ValueError, "empty list"),
        (["no.tsv"], FileNotFoundError, "no file or folder at .*no.tsv"),
        (["a.tsv", "b.tsv"], ValueError, "a.tsv has labels, and .*b.tsv has n"),
        (["b.tsv", "a.tsv"], ValueError, "a.tsv has labels, and .*b.tsv has n"),
    ],
)
def test_files_that_do_not_fit_are_refused(write, names, error, message):
    folder = write("a.tsv", LINES).parent
    write("b.tsv", "甲\t乙\n")
    with pytest.raises(error, match=message):
        PairStream([folder / name for name in names])


def test_a_file_without_pairs_is_refused(write):
    with pytest.raises(ValueError, match="x.tsv has no usable rows"):
        list(PairStream(write("x.tsv", "")))


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl"])
def test_a_file_never_stands_in_memory(write, suffix):
    line = {
        "tsv": "甲\t乙\n",
        "csv": "甲,乙\n",
        "jsonl": '{"text_a": "a", "text_b": "b"}\n',
    }[suffix]
    path = write(f"x.{suffix}", line * 30_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in PairStream(path)) == 30_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 4


def test_pairs_from_elsewhere(write):
    pairs = Pairs(["甲", "丙"], ["乙", "丁"], [1, 0.5])
    assert list(PairStream.of(pairs)) == PAIRS
    assert list(PairStream.of(pairs[:1])) == PAIRS[:1]
    unlabelled = Pairs(["甲"], ["乙"])
    assert list(PairStream.of(unlabelled)) == [("甲", "乙", None)]
    stream = PairStream.of([["甲", "乙", 1], ("丙", "丁", "0.5")])
    assert list(stream) == list(stream) == PAIRS
    assert list(PairStream.of(pair for pair in PAIRS)) == PAIRS


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "The source has no usable rows"),
        (["ab"], r"Expected pairs \(text_a, text_b\).* Received: 'ab'"),
        ([("a",)], r"Expected pairs.* Received: \('a',\)"),
        ([3], "Expected pairs.* Received: 3"),
        ([("a", "b"), ("a", "b", 1)], "pair 2: it must have 2 parts as the f"),
        ([("a", "b"), None], "pair 2: it must have 2 parts.*: None"),
        ([("a", None)], "pair 1: the second text is no string: None. Mend or"),
        ([("a", "b", 1), ("a", "b", None)], "pair 2: the label is no number"),
    ],
)
def test_what_is_no_pair_is_refused(pairs, message):
    with pytest.raises(ValueError, match=message):
        list(PairStream.of(pairs))


def test_no_row_of_a_cursor_is_lost():
    class Cursor:
        """Gives each row once, as those of databases do."""

        def __init__(self, rows):
            self.fetchone = iter([*rows, None]).__next__

        def __iter__(self):
            return iter(self.fetchone, None)

    assert list(PairStream.of(Cursor(PAIRS * 2))) == PAIRS * 2


def test_an_iterator_cannot_be_read_twice():
    stream = PairStream.of(iter(PAIRS))
    assert list(stream) == PAIRS
    with pytest.raises(ValueError, match="an iterator that was read before"):
        list(stream)
