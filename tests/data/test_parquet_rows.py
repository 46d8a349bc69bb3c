"""Parquet files, and errors that name file, row and column."""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from semmatch.data import read_pairs

COLUMNS = {"text_a": ["甲", "丙"], "text_b": ["乙", "丁"], "label": [1, 0]}


class NoPyarrow:
    """Of the import system: pyarrow is not installed."""

    def find_spec(self, name, path, target=None):
        if name == "pyarrow":
            raise ModuleNotFoundError(f"No module named {name}", name=name)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.parquet"


def write(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)


def rows(pairs):
    label = [None] * len(pairs) if pairs.label is None else pairs.label
    return list(zip(pairs.text_a, pairs.text_b, label, strict=True))


def test_well_known_columns_are_found(path):
    write(path, {"id": [7, 8], **COLUMNS})
    assert rows(read_pairs(path)) == [("甲", "乙", 1), ("丙", "丁", 0)]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("q", "a", "y"), [("甲", "乙", 0.5), ("丙", "丁", 1.0)]),
        (["a", "q"], [("乙", "甲", None), ("丁", "丙", None)]),
        (("q", "q"), [("甲", "甲", None), ("丙", "丙", None)]),
    ],
)
def test_columns_by_name(path, columns, expected):
    write(path, {"y": [0.5, 1.0], "q": ["甲", "丙"], "a": ["乙", "丁"]})
    assert rows(read_pairs(str(path), columns=columns)) == expected


@pytest.mark.parametrize(
    "kind",
    [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.utf8())],
    ids=str,
)
def test_strings_of_every_kind(path, kind):
    write(path, {**COLUMNS, "text_a": pa.array(["甲", "丙"]).cast(kind)})
    assert read_pairs(path).text_a == ["甲", "丙"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pa.array([True, False]), [1, 0]),
        (pa.array([3, 0], pa.int8()), [3, 0]),
        (pa.array([0.25, 1.0], pa.float32()), [0.25, 1.0]),
        (pa.array(["1", "0"]), [1, 0]),
    ],
    ids=["bool", "int8", "float32", "string"],
)
def test_labels_of_every_kind(path, labels, expected):
    write(path, {**COLUMNS, "label": labels})
    np.testing.assert_array_equal(read_pairs(path).label, expected)


def test_rows_are_counted_over_groups_and_batches(path):
    texts = [str(n) for n in range(10_000)]
    texts[9_000] = " "
    write(path, {"text_a": texts, "text_b": texts}, row_group_size=3_000)
    with pytest.raises(ValueError, match="x.parquet, row 9001: the first text"):
        read_pairs(path)
    with pytest.warns(UserWarning, match="skipped 1 of 10000 rows"):
        pairs = read_pairs(path, on_error="skip")
    assert pairs.text_a == texts[:9_000] + texts[9_001:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_a": ["甲", None]}, "row 2: the first text is no string: None"),
        ({"text_b": ["", "丁"]}, "row 1: the second text is empty"),
        ({"label": [1, None]}, "row 2: the label is no number: None"),
        ({"label": [np.nan, 1]}, "row 1: the label is not finite: nan"),
        ({"label": ["1", "yes"]}, "row 2: the label is no number: 'yes'"),
        ({"text_a": [3, 4]}, "column 'text_a' must hold strings. .*: int64"),
        ({"text_b": [b"a", b"b"]}, "'text_b' must hold strings. .*: binary"),
    ],
)
def test_what_is_no_pair_is_named(path, change, message):
    write(path, {**COLUMNS, **change})
    with pytest.raises(ValueError, match=message) as error:
        read_pairs(path)
    assert str(path) in str(error.value)


def test_bytes_of_another_encoding_are_explained(path):
    content = pa.array([b"ok", "怎么".encode("gb18030"), None])
    texts = pa.Array.from_buffers(pa.string(), 3, content.buffers())
    write(path, {"text_a": texts, "text_b": ["a", "b", "c"]})
    message = "row 2: the first text is not valid UTF-8 at character 1.*GB18030"
    with pytest.raises(ValueError, match=message):
        read_pairs(path)
    with pytest.warns(UserWarning, match="row 3: the first text is no string"):
        assert read_pairs(path, on_error="skip").text_a == ["ok"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"columns": ("q", "text_b")},
            "no column 'q'. The file has: text_a, t",
        ),
        ({"columns": (0, 1)}, r"of a parquet file are names. .*\(0, 1\)"),
        ({"header": True}, "`header` is for tsv and csv files. .* x.parquet"),
    ],
)
def test_options_that_do_not_fit_are_refused(path, options, message):
    write(path, COLUMNS)
    with pytest.raises(ValueError, match=message):
        read_pairs(path, **options)


def test_columns_without_well_known_names_are_asked_for(path):
    write(path, {"q": ["甲"], "a": ["乙"]})
    with pytest.raises(ValueError, match="x.parquet: found no well-known col"):
        read_pairs(path)


def test_a_file_without_rows_is_refused(path):
    write(
        path,
        {"text_a": pa.array([], "string"), "text_b": pa.array([], "string")},
    )
    with pytest.raises(ValueError, match="x.parquet has no usable rows"):
        read_pairs(path)


@pytest.mark.parametrize("keep", [0, 100, 0.5])
def test_a_file_cut_short_is_refused(path, keep):
    write(path, COLUMNS)
    content = path.read_bytes()
    size = keep if isinstance(keep, int) else int(len(content) * keep)
    path.write_bytes(content[:size])
    with pytest.raises(ValueError, match="x.parquet is not readable as parq"):
        read_pairs(path)


def test_a_damaged_page_is_an_error_with_the_file(path):
    write(path, {"text_a": ["a" * 999, "b"], "text_b": ["c", "d"]})
    content = bytearray(path.read_bytes())
    content[8:200] = bytes(192)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="x.parquet is not readable as parq"):
        read_pairs(path)


def test_without_pyarrow_the_extra_is_named(path, monkeypatch):
    write(path, COLUMNS)
    for name in [name for name in sys.modules if "pyarrow" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoPyarrow(), *sys.meta_path])
    message = r"needs `pyarrow.parquet`. Run: pip install 'semmatch\[parquet\]'"
    with pytest.raises(ImportError, match=message):
        read_pairs(path)
