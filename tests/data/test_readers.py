"""Files as people have them, and errors that name file, line and column."""

import json
import warnings

import numpy as np
import pytest

from semmatch.data import read_pairs

GB18030 = "怎么还款".encode("gb18030")


def write(path, content):
    if isinstance(content, str):
        content = content.encode("utf-8")
    path.write_bytes(content)
    return path


def read(tmp_path, name, content, **options):
    return read_pairs(write(tmp_path / name, content), **options)


def rows(pairs):
    label = [None] * len(pairs) if pairs.label is None else pairs.label
    return list(zip(pairs.text_a, pairs.text_b, label, strict=True))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "train"
    folder.mkdir()
    write(folder / "train.seq1.in", "怎么还款\n如何开户\n")
    write(folder / "train.seq2.in", "如何还\n怎么销户\n")
    write(folder / "train.label", "1\n0\n")
    return folder


def test_a_folder_has_a_file_for_each_column(folder):
    assert rows(read_pairs(folder)) == [
        ("怎么还款", "如何还", 1),
        ("如何开户", "怎么销户", 0),
    ]


def test_a_folder_may_have_no_labels(folder):
    (folder / "train.label").unlink()
    pairs = read_pairs(str(folder))
    assert (len(pairs), pairs.label) == (2, None)


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("train.label", "1\n", ValueError, "train.label has 1 lines"),
        ("train.seq2.in", None, FileNotFoundError, "no train.seq2.in"),
        ("train.seq1.in", None, FileNotFoundError, "folder with: train.label"),
        ("b.seq1.in", "a\n", FileNotFoundError, "one {split}.seq1.in.*b.seq1"),
        ("train.label", "1\nx\n", ValueError, r"train.\*, line 2: .*'x'"),
        ("train.seq1.in", "a\n\n", ValueError, "line 2: the first text is em"),
    ],
)
def test_a_wrong_folder_is_refused(folder, name, content, error, message):
    if content is None:
        (folder / name).unlink()
    else:
        write(folder / name, content)
    with pytest.raises(error, match=message):
        read_pairs(folder)


def test_a_folder_takes_no_columns(folder):
    with pytest.raises(ValueError, match="one file a column"):
        read_pairs(folder, columns=[0, 1])


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_tsv_files_of_every_system(tmp_path, bom, end, last):
    content = f"text_a\ttext_b\tlabel{end}甲\t乙\t1{end}丙\t丁\t0"
    content += end if last else ""
    pairs = read(tmp_path, "x.tsv", bom + content.encode())
    assert rows(pairs) == [("甲", "乙", 1), ("丙", "丁", 0)]


def test_quotes_are_characters_in_a_tsv(tmp_path):
    pairs = read(tmp_path, "x.tsv", '"甲\t他说"乙""\t1\nb\tc\t0\n')
    assert rows(pairs) == [('"甲', '他说"乙""', 1), ("b", "c", 0)]


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x0c"])
@pytest.mark.parametrize("name", ["x.tsv", "x.csv", "x.jsonl"])
def test_only_a_newline_ends_a_line(tmp_path, name, separator):
    text = f"甲{separator}乙"
    record = json.dumps({"text_a": text, "text_b": "b"}, ensure_ascii=False)
    content = {
        "x.tsv": f"{text}\tb\n",
        "x.csv": f"{text},b\n",
        "x.jsonl": f"{record}\n",
    }[name]
    assert rows(read(tmp_path, name, content)) == [(text, "b", None)]


def test_a_csv_has_quoted_commas_quotes_and_newlines(tmp_path):
    content = 'text_a,text_b,label\r\n"a, b","c\nd",1\r\n"e ""f""",g,0\r\n'
    pairs = read(tmp_path, "x.csv", content)
    assert rows(pairs) == [("a, b", "c\nd", 1), ('e "f"', "g", 0)]


def test_an_error_of_the_csv_reader_names_file_and_line(tmp_path):
    with pytest.raises(ValueError, match=r"x.csv, line 2: field larger"):
        read(tmp_path, "x.csv", f"a,b\n{'x' * 200_000},b\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('a,b\nc,"d\n' + "e,f\n" * 9, 2),  # never closed
        ('a,b\nc,"d\ne,"f"\ng,h\n', 2),  # by the quote of another text
    ],
)
def test_an_open_quote_swallows_no_rows(tmp_path, content, line):
    message = f"x.csv, line {line}: .* Close each quote"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "x.csv", content)


def test_a_row_of_a_csv_is_named_by_its_first_line(tmp_path):
    with pytest.raises(ValueError, match=r"x.csv, line 2: the second text"):
        read(tmp_path, "x.csv", 'a,b\n"c\nd",\n')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.tsv", "a\tb\nc\td\t1\n"),
        ("x.csv", "a,b\nc,d,1\n"),
        (
            "x.jsonl",
            '{"text_a": "a", "text_b": "b"}\n'
            '{"text_a": "c", "text_b": "d", "score": 1}\n',
        ),
    ],
)
def test_no_label_is_dropped_because_the_first_is_missing(
    tmp_path, name, content
):
    message = f"{name}, line 2: it has a label, and the first row has none"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, name, content)
    columns = ("text_a", "text_b") if name.endswith("jsonl") else (0, 1)
    pairs = read(tmp_path, name, content, columns=columns)
    assert rows(pairs) == [("a", "b", None), ("c", "d", None)]


@pytest.mark.parametrize("label", ["1" * 400, "1e39", "-1e300"])
def test_a_label_beyond_float32_is_named(tmp_path, label):
    content = f'{{"text_a": "a", "text_b": "b", "label": {label}}}\n'
    with pytest.raises(ValueError, match="line 1: the label is not finite"):
        read(tmp_path, "x.jsonl", content)


def test_json_lines(tmp_path):
    content = (
        '{"sentence2": "b", "sentence1": "a", "score": 0.5, "id": 7}\n'
        '{"sentence1": "\\u7532", "sentence2": "d", "score": 1}\n'
    )
    pairs = read(tmp_path, "x.jsonl", content)
    assert rows(pairs) == [("a", "b", 0.5), ("甲", "d", 1.0)]
    assert pairs.label.dtype == np.float32


TABLE = "id\tq\ta\ty\n7\t甲\t乙\t1\n8\t丙\t丁\t0\n"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("q", "a", "y"), [("甲", "乙", 1), ("丙", "丁", 0)]),
        (["a", "q"], [("乙", "甲", None), ("丁", "丙", None)]),
    ],
)
@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl"])
def test_columns_by_name(tmp_path, suffix, columns, expected):
    content = TABLE
    if suffix == "csv":
        content = TABLE.replace("\t", ",")
    if suffix == "jsonl":
        names, *cells = [line.split("\t") for line in TABLE.splitlines()]
        content = "\n".join(
            json.dumps(dict(zip(names, row, strict=True))) for row in cells
        )
    pairs = read(tmp_path, f"x.{suffix}", content, columns=columns)
    assert rows(pairs) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"columns": (1, 2, 3), "header": True}, [("甲", "乙", 1)]),
        ({"columns": (2, 1), "header": True}, [("乙", "甲", None)]),
        ({"columns": (1, 2)}, [("q", "a", None), ("甲", "乙", None)]),
        ({"columns": ("q", "a", "y"), "header": True}, [("甲", "乙", 1)]),
    ],
)
def test_columns_by_position(tmp_path, options, expected):
    content = "id\tq\ta\ty\n7\t甲\t乙\t1\n"
    assert rows(read(tmp_path, "x.tsv", content, **options)) == expected


@pytest.mark.parametrize(
    ("header", "content", "expected"),
    [
        (None, "text_a\ttext_b\n甲\t乙\n", [("甲", "乙", None)]),
        (None, "甲\t乙\t1\n", [("甲", "乙", 1)]),
        (True, "甲\t乙\t1\n丙\t丁\t0\n", [("丙", "丁", 0)]),
        (
            False,
            "text_a\ttext_b\n甲\t乙\n",
            [("text_a", "text_b", None), ("甲", "乙", None)],
        ),
    ],
)
def test_the_header_is_found_or_told(tmp_path, header, content, expected):
    assert rows(read(tmp_path, "x.tsv", content, header=header)) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.tsv", "a\tb\tnan\n", "x.tsv, line 1: the label is not finite: 'n"),
        ("x.tsv", "a\tb\t1\na\tb\tinf\n", "x.tsv, line 2: the label is not"),
        ("x.tsv", "a\tb\tyes\n", "x.tsv, line 1: the label is no number: 'y"),
        ("x.tsv", "a\tb\t\n", "x.tsv, line 1: the label is no number: ''"),
        ("x.csv", '"a\nb",c,1\nd, ,0\n', "x.csv, line 3: the second text is"),
        ("x.tsv", "a\tb\t1\n\nc\td\t0\n", "line 2: it has 1 columns, and col"),
        ("x.tsv", "a\tb\t1\nc\td\n", "line 2: it has 2 columns, and column 3"),
        (
            "x.tsv",
            b"a\tb\n" + GB18030 + b"\tc\n",
            "line 2: the first text is n",
        ),
        ("x.jsonl", '{"text_a": "a", "text_b": "\\ud800"}', "line 1: the sec"),
        ("x.jsonl", '{"text_a": "a", "text_b": null}', "no string: None"),
        ("x.jsonl", '{"text_a": "a", "text_b": "b"}\n[1]', "line 2: it is no"),
        ("x.jsonl", '{"text_a": "a", "text_b": "b"}\n{', "no JSON object: '{'"),
        (
            "x.jsonl",
            '{"text_a": "a", "text_b": "b"}\n{"text_a": "c"}',
            "x.jsonl, line 2: it has no text_b",
        ),
        (
            "x.jsonl",
            '{"text_a": "a", "text_b": "b", "label": null}',
            "line 1: the label is no number: None",
        ),
    ],
)
def test_a_bad_row_is_named_and_can_be_skipped(
    tmp_path, name, content, message
):
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, name, content)
    assert str(tmp_path / name) in str(error.value)
    assert "on_error='skip'" in str(error.value)


def test_bytes_of_another_encoding_are_explained(tmp_path):
    message = "not valid UTF-8 at character 1: .*GB18030"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "x.csv", GB18030 + b",b\n")


def test_skipped_rows_are_counted_and_listed(tmp_path):
    content = "a\tb\t1\n" + "\tx\t0\n" * 7 + "c\td\t0\n"
    with pytest.warns(UserWarning, match="skipped 7 of 9 rows") as caught:
        pairs = read(tmp_path, "x.tsv", content, on_error="skip")
    assert rows(pairs) == [("a", "b", 1), ("c", "d", 0)]
    assert len(pairs.skipped) == 7
    assert all(f"line {n + 2}:" in s for n, s in enumerate(pairs.skipped))
    message = str(caught[0].message)
    assert "line 6:" in message
    assert "line 7:" not in message
    assert "and 2 more, see `Pairs.skipped`" in message
    assert caught[0].filename == __file__


def test_good_files_are_skipped_through_in_silence(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairs = read(tmp_path, "x.tsv", "a\tb\t1\n", on_error="skip")
    assert pairs.skipped == ()


def test_a_file_without_a_usable_row_is_refused(tmp_path):
    with (
        pytest.warns(UserWarning, match="skipped 1 of 1"),
        pytest.raises(ValueError, match="x.tsv has no usable rows"),
    ):
        read(tmp_path, "x.tsv", "\tb\t1\n", on_error="skip")


@pytest.mark.parametrize("content", ["", "\ufeff", "text_a\ttext_b\n"])
def test_an_empty_table_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match="x.tsv has no usable rows"):
        read(tmp_path, "x.tsv", content)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("x.tsv", {"columns": ("q", "z")}, "line 1: .*no column 'z'.*id, q"),
        ("x.tsv", {"columns": (0, 9)}, "no column 9; positions.* 0 to 3"),
        ("x.tsv", {"columns": (0, -1)}, "no column -1"),
        ("x.tsv", {"columns": "q"}, r"two or three names.*\('q',\)"),
        ("x.tsv", {"columns": (0, "q")}, "two or three positions"),
        ("x.tsv", {"columns": (0, 1, 2, 3)}, "two or three positions"),
        (
            "x.tsv",
            {"columns": ("q", "a"), "header": False},
            "header=False says that the file has none",
        ),
        ("x.csv", {}, "x.csv, line 1: there is no column 1; .* from 0 to 0"),
        ("x.txt", {}, "must end in .tsv, .csv, .jsonl or .*'.txt'"),
        ("x.jsonl", {"header": True}, "`header` is for tsv and csv"),
        ("x.jsonl", {"columns": (0, 1)}, r"are names. Received.*\(0, 1\)"),
        ("x.jsonl", {}, "no well-known column names"),
        ("x.tsv", {"on_error": "ignore"}, "`on_error` must be one of.*ignore"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, name, options, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, name, TABLE, **options)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file or folder at .*y.tsv"):
        read_pairs(tmp_path / "y.tsv")
