"""`vocab.json` with `merges.txt`, and what may be wrong with them."""

import json

import pytest
from tokenizers import pre_tokenizers

from semmatch.tokenizers import Tokenizer

SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
PIECES = [*SPECIALS, *BYTES, "ab", "Ġab"]
MERGES = "#version: 0.2\na b\nĠ ab\n"


def write(folder, pieces=PIECES, merges=MERGES):
    if isinstance(pieces, list):
        pieces = {piece: index for index, piece in enumerate(pieces)}
    if not isinstance(pieces, str):
        pieces = json.dumps(pieces)
    (folder / "vocab.json").write_text(pieces, encoding="utf-8")
    (folder / "merges.txt").write_bytes(merges.encode("utf-8"))
    return folder


def read(folder, *files):
    return Tokenizer.from_folder(write(folder, *files))


@pytest.mark.parametrize("version", ["", "#version: 0.2\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_merges_are_lines(tmp_path, version, newline, end):
    text = f"{version}a b\nĠ ab{end}".replace("\n", newline)
    tokenizer = read(tmp_path, PIECES, text)
    assert tokenizer.tokenize(["ab ab"]) == [
        [PIECES.index("ab"), PIECES.index("Ġab")]
    ]


def test_without_merges_texts_are_bytes(tmp_path):
    tokenizer = read(tmp_path, PIECES, "#version: 0.2\n")
    # U+8FD8 is E8 BF 98, of which the first two stand for themselves.
    ids = tokenizer.tokenize(["ab还"])[0]
    assert ids[:4] == [PIECES.index(piece) for piece in "abè¿"]
    assert len(ids) == 5


@pytest.mark.parametrize("line", ["a", "a b c", "", "a  b", "a ", " b", "a\tb"])
def test_a_line_that_is_not_two_pieces_is_named(tmp_path, line):
    message = "merges.txt, line 3: expected two pieces .*Received: "
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, PIECES, f"#version: 0.2\na b\n{line}\nĠ ab\n")
    assert repr(line) in str(error.value)


@pytest.mark.parametrize(
    "line, piece", [("x 还", "还"), ("xy z", "xy"), ("b a", "ba")]
)
def test_a_merge_of_another_vocabulary_is_named(tmp_path, line, piece):
    message = f"merges.txt, line 2: the vocabulary has no piece '{piece}'.*same"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, PIECES, f"a b\n{line}\n")


def test_an_empty_file_of_merges_is_refused(tmp_path):
    with pytest.raises(ValueError, match="merges.txt, line 1: .*Received: ''"):
        read(tmp_path, PIECES, "")


def test_merges_that_are_not_utf8_are_refused(tmp_path):
    write(tmp_path)
    (tmp_path / "merges.txt").write_bytes(b"a b\n\xff\xfe")
    with pytest.raises(ValueError, match="merges.txt is not UTF-8"):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize(
    "content, message",
    [
        ("[]", "must hold a JSON object. Received: a list"),
        ('{"a": 0', "is not readable as JSON"),
        ({"a": "0"}, "an integer from 0. Received: '0' for 'a'"),
        ({"a": -1}, "an integer from 0. Received: -1 for 'a'"),
        ({"a": True}, "an integer from 0. Received: True for 'a'"),
        ({"a": 0, "b": 0}, "gives the id 0 to 'a' and to 'b'"),
        ({"a": 0, "b": 3, "c": 2}, "has no piece of id 1, but one of id 3"),
        (PIECES[1:], "lacks the special pieces <s>. .*tokenizer_config.json"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=f"vocab.json .*{message}"):
        read(tmp_path, content)


def test_an_added_token_has_the_next_id(tmp_path):
    added = {"<mask>": len(PIECES) - 1}
    (tmp_path / "added_tokens.json").write_text(json.dumps(added), "utf-8")
    pieces = [piece for piece in PIECES if piece != "<mask>"]
    tokenizer = read(tmp_path, pieces)
    assert tokenizer.tokenize(["ab <mask>ab"]) == [
        [pieces.index("ab"), len(pieces), pieces.index("ab")]
    ]


def test_bytes_that_the_vocabulary_lacks_are_counted_in_a_warning(tmp_path):
    pieces = [piece for piece in PIECES if piece not in ("x", "y")]
    with pytest.warns(UserWarning, match="vocab.json lacks 2 of the 256"):
        tokenizer = read(tmp_path, pieces)
    # The others close up, and merge.
    assert tokenizer.tokenize(["axb"]) == [[pieces.index("ab")]]
