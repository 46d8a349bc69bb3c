"""Model files of sentencepiece, against its own reader and by hand."""

import shutil
import struct
from pathlib import Path

import pytest

from semmatch.tokenizers import sentencepiece_model
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.sentencepiece_model import read_sentencepiece

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "tokenizers"
MODELS = {
    "xlm_roberta": FOLDER / "xlm_roberta" / "sentencepiece.bpe.model",
    "albert": FOLDER / "albert" / "spiece.model",
    "symbols": FOLDER / "symbols.model",
    "bytes": FOLDER / "bytes.model",
}
ALBERT = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
UNKNOWN, CONTROL, USER_DEFINED, UNUSED = 2, 3, 4, 5


def varint(value):
    """Seven bits a byte, the lowest first, the top bit where more follow."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def piece(text, score=-1.0, kind=None):
    kind = b"" if kind is None else number(3, kind)
    score = varint(2 << 3 | 5) + struct.pack("<f", score)
    return data(1, data(1, text.encode()) + score + kind)


def specials(names=("<unk>", "<s>", "</s>")):
    return b"".join(
        piece(name, 0.0, UNKNOWN if name == "<unk>" else CONTROL)
        for name in names
    )


def model(pieces, trainer=b"", normalizer=b""):
    return pieces + data(2, trainer) + data(3, normalizer)


def write(folder, content, name="sentencepiece.bpe.model"):
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_what_sentencepiece_reads(name):
    library = pytest.importorskip("sentencepiece.sentencepiece_model_pb2")
    expected = library.ModelProto()
    expected.ParseFromString(MODELS[name].read_bytes())
    read = read_sentencepiece(MODELS[name])
    assert [tuple(piece) for piece in read.pieces] == [
        (piece.piece, piece.score, piece.type) for piece in expected.pieces
    ]
    assert read.charsmap == expected.normalizer_spec.precompiled_charsmap
    assert read.byte_fallback == expected.trainer_spec.byte_fallback


def test_what_a_file_leaves_out_has_the_formats_default(tmp_path):
    content = model(specials() + data(1, data(1, "还".encode())))
    read = read_sentencepiece(write(tmp_path, content))
    assert read.pieces[3] == ("还", 0.0, sentencepiece_model.NORMAL)
    assert (read.charsmap, read.byte_fallback) == (b"", False)


def test_unknown_fields_are_skipped_and_parts_of_settings_joined(tmp_path):
    fixed = varint(60 << 3 | 1) + bytes(8) + varint(61 << 3 | 5) + bytes(4)
    content = model(
        fixed + number(62, 1 << 60) + specials(),
        number(35, 1) + data(70, b"more"),
        data(2, b"early"),
    )
    # The last of a value counts.
    content += data(2, number(35, 0)) + data(3, data(2, b"late"))
    read = read_sentencepiece(write(tmp_path, content))
    assert (read.charsmap, read.byte_fallback) == (b"late", False)
    assert len(read.pieces) == 3


def test_a_model_without_normalisation_leaves_texts_as_they_are(tmp_path):
    pieces = specials() + piece("▁a") + piece("▁ａ")
    write(tmp_path, model(pieces))
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert tokenizer.tokenize(["a", "ａ"]) == [[4], [5]]
    assert tokenizer.normalize("ａ") == "ａ"


@pytest.mark.parametrize("name", ["symbols", "bytes"])
def test_a_file_that_is_cut_short_is_refused(tmp_path, name):
    content = MODELS[name].read_bytes()
    for size in [*range(0, len(content), 211), len(content) - 1]:
        path = write(tmp_path, content[:size])
        with pytest.raises(ValueError, match="or not all of it: .*Copy it"):
            read_sentencepiece(path)


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "it has no pieces"),
        (specials(), "it has no trainer_spec"),
        (specials() + data(2, b""), "it has no normalizer_spec"),
        (b"version https://git-lfs.github.com/spec/v1\n", "field of type 6"),
        (b"\xff" * 100_000, "no number ends after byte 0"),
        (data(1, b"12345")[:-2], "it ends 2 bytes early"),
        (model(data(1, b"")), "a piece without text"),
        (model(data(1, data(1, b"\xff"))), "can't decode byte 0xff"),
        (number(1, 5) + data(2, b"") + data(3, b""), "."),
        (model(specials(), b"", number(2, 1 << 70)), "no number ends"),
    ],
)
def test_what_is_no_model_is_refused_with_the_reason(tmp_path, content, reason):
    path = write(tmp_path, content)
    message = f"{path.name} is no sentencepiece model.*{reason}.*Git LFS"
    with pytest.raises(ValueError, match=message):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize(
    "trainer, normalizer, message",
    [
        (number(3, 2), b"", "be a unigram model. Received: a BPE model"),
        (number(3, 4), b"", "Received: a character model"),
        (number(3, 9), b"", "Received: a 9 model"),
        (number(24, 1), b"", "treat_whitespace_as_suffix=False, .*=True"),
        (b"", number(3, 0), "add_dummy_prefix=True, .*add_dummy_prefix=False"),
        (b"", number(4, 0), "remove_extra_whitespaces=True, "),
        (b"", number(5, 0), "escape_whitespaces=True, "),
    ],
)
def test_settings_of_other_models_are_refused(
    tmp_path, trainer, normalizer, message
):
    path = write(tmp_path, model(specials(), trainer, normalizer))
    message = f"{path.name} must.* {message}.*save a tokenizer.json"
    with pytest.raises(ValueError, match=message):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize(
    "pieces, message",
    [
        (piece("a", 0.0, UNUSED), "unused pieces, such as 'a' .id 3."),
        (piece("a") + piece("a"), "'a' twice, as ids 3 and 4"),
        (piece("a", 0.0, UNKNOWN), "one unknown piece. Received: 2 of 4"),
    ],
)
def test_pieces_that_cannot_be_are_refused(tmp_path, pieces, message):
    path = write(tmp_path, model(specials() + pieces))
    with pytest.raises(ValueError, match=f"{path.name} .*{message}"):
        Tokenizer.from_folder(tmp_path)


def test_a_damaged_table_of_normalisation_is_named(tmp_path):
    path = write(tmp_path, model(specials(), b"", data(2, b"\x08\0\0\0ab")))
    with pytest.raises(ValueError, match=f"{path.name} has a damaged table"):
        Tokenizer.from_folder(tmp_path)


def test_a_symbol_that_normalisation_changes_is_refused(tmp_path):
    charsmap = data(2, read_sentencepiece(MODELS["albert"]).charsmap)
    symbols = specials() + piece("▁-", 0.0, USER_DEFINED)
    write(tmp_path, model(symbols, b"", charsmap))
    assert Tokenizer.from_folder(tmp_path).tokenize(["-"]) == [[4]]
    symbols += piece("Ａ", 0.0, USER_DEFINED)
    write(tmp_path, model(symbols, b"", charsmap))
    with pytest.raises(ValueError, match="user-defined symbol 'Ａ', which"):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize("name", ["albert", "symbols"])
def test_a_model_in_another_order_is_not_xlm_robertas(tmp_path, name):
    shutil.copy(MODELS[name], tmp_path / "sentencepiece.bpe.model")
    message = "must begin .* Received: <pad>, <unk>, .CLS.. .*tokenizer.json"
    with pytest.raises(ValueError, match=message):
        Tokenizer.from_folder(tmp_path)


def test_a_special_piece_that_xlm_roberta_adds_must_not_be_there(tmp_path):
    write(tmp_path, model(specials() + piece("<mask>", 0.0, USER_DEFINED)))
    with pytest.raises(ValueError, match="special pieces <mask> where"):
        Tokenizer.from_folder(tmp_path)


def test_alberts_special_pieces_must_be_there(tmp_path):
    shutil.copy(MODELS["bytes"], tmp_path / "spiece.model")
    message = r"spiece.model lacks the special pieces \[CLS\], \[SEP\], <pad>"
    with pytest.raises(ValueError, match=message):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize("layout", ["albert", "xlm_roberta"])
def test_other_control_pieces_are_whole_in_texts(tmp_path, layout):
    # As in transformers; sentencepiece itself takes none from a text.
    names = ALBERT if layout == "albert" else ["<unk>", "<s>", "</s>"]
    file = "spiece.model" if layout == "albert" else "sentencepiece.bpe.model"
    more = piece("<x>", 0.0, CONTROL) + piece("▁a") + piece("▁")
    write(tmp_path, model(specials(names) + more), file)
    tokenizer = Tokenizer.from_folder(tmp_path)
    first = len(names) + (layout == "xlm_roberta")
    assert tokenizer.tokenize(["a<x>a"]) == [[first + 1, first, first + 1]]


def test_quotes_of_two_marks_become_one(tmp_path):
    pieces = piece('▁"') + piece("a") + piece('"')
    write(tmp_path, model(specials(ALBERT) + pieces), "spiece.model")
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert tokenizer.tokenize(["``a''", "a`"]) == [[5, 6, 7], [1, 6, 1]]


def test_a_number_before_a_comma_is_a_piece_of_its_own(tmp_path):
    # By the scores alone "▁1," would be one piece.
    pieces = piece("▁1,", -1.0) + piece("▁1", -5.0) + piece(",", -5.0)
    pieces += piece("a,", -1.0) + piece("▁", -2.0) + piece("a", -2.0)
    write(tmp_path, model(specials(ALBERT) + pieces), "spiece.model")
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert tokenizer.tokenize(["1,", "a,"]) == [[6, 7], [9, 8]]
