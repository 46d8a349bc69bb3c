"""Writes the model files of sentencepiece, which are Protocol Buffers."""

import struct

# Of `sentencepiece_model.proto`: kinds of pieces.
NORMAL, UNKNOWN, BYTE = 1, 2, 6


def sentencepiece_model(pieces, *, charsmap=b"", byte_fallback=False):
    """A unigram model that leaves white space as it is.

    Source: `sentencepiece_model.proto` of github.com/google/sentencepiece
    and the encoding of Protocol Buffers.

    Args:
        pieces: list of `(text, score, kind)`, in the order of their ids.
        charsmap: bytes, the table of its normalisation, empty for none.
        byte_fallback: bool, unknown characters become their UTF-8 bytes.

    Returns:
        bytes.
    """
    trainer = _number(3, 1) + _number(35, int(byte_fallback))
    normalizer = _data(2, charsmap)
    # No dummy prefix, white space neither removed nor escaped.
    normalizer += b"".join(_number(field, 0) for field in (3, 4, 5))
    return (
        b"".join(_data(1, _piece(*piece)) for piece in pieces)
        + _data(2, trainer)
        + _data(3, normalizer)
    )


def _piece(text, score, kind):
    score = _varint(2 << 3 | 5) + struct.pack("<f", score)
    return _data(1, text.encode("utf-8")) + score + _number(3, kind)


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _data(field, value):
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value):
    """Seven bits a byte, the lowest first, the top bit where more follow."""
    result = b""
    while value > 127:
        result += bytes([value & 127 | 128])
        value >>= 7
    return result + bytes([value])
