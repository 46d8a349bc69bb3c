"""Reads the model files of sentencepiece, which are Protocol Buffers."""

import struct
from typing import NamedTuple

# Of `sentencepiece_model.proto`: kinds of pieces.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

_MODEL_TYPES = {1: "unigram", 2: "BPE", 3: "word", 4: "character"}


class Piece(NamedTuple):
    """A piece of the vocabulary; its id is its place.

    Attributes:
        text: string, with `▁` for a space.
        score: float, the logarithm of its probability.
        kind: int, `NORMAL`, `UNKNOWN` and so on.
    """

    text: str
    score: float
    kind: int


class SentencePieceModel(NamedTuple):
    """What encoding needs of a model file.

    Attributes:
        pieces: list of `Piece`.
        charsmap: bytes, the table of its normalisation, empty for none.
        byte_fallback: bool, unknown characters become their UTF-8 bytes.
    """

    pieces: list
    charsmap: bytes
    byte_fallback: bool


def read_sentencepiece(path):
    """Reads a unigram model.

    Source: `sentencepiece_model.proto` of github.com/google/sentencepiece
    and the encoding of Protocol Buffers.

    Args:
        path: `pathlib.Path` of a `.model` file.

    Returns:
        `SentencePieceModel`.

    Raises:
        ValueError: if the file is damaged, or a model of another kind or
            with settings that neither XLM-RoBERTa nor ALBERT has.
    """
    try:
        pieces, trainer, normalizer = _parts(path.read_bytes())
        settings = _settings(trainer, normalizer)
        charsmap = bytes(normalizer.get(2, [b""])[-1])
    # The last two: fields of another type than they should be.
    except (ValueError, TypeError, struct.error) as error:
        raise ValueError(
            f"{path} is no sentencepiece model, or not all of it: {error}. "
            "Copy it again; a few lines of text in its place are a pointer of "
            "Git LFS."
        ) from error
    _check(path, pieces, settings)
    return SentencePieceModel(pieces, charsmap, settings["byte_fallback"])


def _parts(data):
    """The pieces, and the fields of the two settings."""
    model = _fields(data)
    lacking = {1: "pieces", 2: "trainer_spec", 3: "normalizer_spec"}
    for number, name in lacking.items():
        if number not in model:
            raise ValueError(f"it has no {name}")
    pieces = [_piece(piece) for piece in model[1]]
    # Parts of one message that stand apart belong together.
    trainer, normalizer = (b"".join(model[number]) for number in (2, 3))
    return pieces, _fields(trainer), _fields(normalizer)


def _settings(trainer, normalizer):
    """The values that decide about encoding, the format's own by default."""
    return {
        "model_type": trainer.get(3, [1])[-1],
        "byte_fallback": bool(trainer.get(35, [0])[-1]),
        "treat_whitespace_as_suffix": bool(trainer.get(24, [0])[-1]),
        "add_dummy_prefix": bool(normalizer.get(3, [1])[-1]),
        "remove_extra_whitespaces": bool(normalizer.get(4, [1])[-1]),
        "escape_whitespaces": bool(normalizer.get(5, [1])[-1]),
    }


def _check(path, pieces, settings):
    kind = settings["model_type"]
    if kind != 1:
        raise ValueError(
            f"{path} must be a unigram model. Received: a "
            f"{_MODEL_TYPES.get(kind, kind)} model. {_ELSE}"
        )
    for name, usual in _USUAL.items():
        if settings[name] != usual:
            raise ValueError(
                f"{path} must have {name}={usual}, as XLM-RoBERTa and ALBERT "
                f"have. Received: {name}={settings[name]}. {_ELSE}"
            )
    first = {}
    for index, piece in enumerate(pieces):
        if piece.kind == UNUSED:
            raise ValueError(
                f"{path} has unused pieces, such as {piece.text!r} (id "
                f"{index}), which cannot be left out here. {_ELSE}"
            )
        if first.setdefault(piece.text, index) != index:
            raise ValueError(
                f"{path} has the piece {piece.text!r} twice, as ids "
                f"{first[piece.text]} and {index}. Train it again."
            )
    unknown = sum(piece.kind == UNKNOWN for piece in pieces)
    if unknown != 1:
        raise ValueError(
            f"{path} must have one unknown piece. Received: {unknown} of "
            f"{len(pieces)} pieces. Copy or train it again."
        )


_ELSE = "Where transformers reads it, save a tokenizer.json with it."
_USUAL = {
    "treat_whitespace_as_suffix": False,
    "add_dummy_prefix": True,
    "remove_extra_whitespaces": True,
    "escape_whitespaces": True,
}


def _piece(data):
    fields = _fields(data)
    text = bytes(fields.get(1, [b""])[-1]).decode("utf-8")
    if not text:
        raise ValueError("it has a piece without text")
    (score,) = struct.unpack("<f", fields.get(2, [bytes(4)])[-1])
    return Piece(text, score, fields.get(3, [NORMAL])[-1])


def _fields(data):
    """A dict from a field's number to its values, ints or bytes, in order."""
    fields = {}
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _varint(data, position)
        else:
            if wire_type == 2:
                size, position = _varint(data, position)
            elif wire_type in (1, 5):
                size = 8 if wire_type == 1 else 4
            else:
                raise ValueError(
                    f"a field of type {wire_type} before byte {position}"
                )
            value = data[position : position + size]
            position += size
            if position > len(data):
                raise ValueError(f"it ends {position - len(data)} bytes early")
        fields.setdefault(number, []).append(value)
    return fields


def _varint(data, position):
    """An int of seven bits a byte, the lowest first, and where it ends."""
    value = 0
    # Ten bytes at most, and a byte that is not there ends none.
    for place, byte in enumerate(data[position : position + 10]):
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, position + place + 1
    raise ValueError(f"no number ends after byte {position}")
