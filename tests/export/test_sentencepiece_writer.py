"""Model files that are written are read back as they were meant."""

import pytest

from semmatch.export.sentencepiece_writer import BYTE
from semmatch.export.sentencepiece_writer import NORMAL
from semmatch.export.sentencepiece_writer import sentencepiece_model
from semmatch.export.sentencepiece_writer import UNKNOWN

PIECES = [
    ("<unk>", 0.0, UNKNOWN),
    ("▁怎么", -1.5, NORMAL),
    ("<0x41>", -2.25, BYTE),
    ("长" * 100, -0.0078125, NORMAL),  # longer than one byte says
]


@pytest.mark.parametrize("charsmap", [b"", bytes(range(256)) * 3])
@pytest.mark.parametrize("byte_fallback", [False, True])
def test_sentencepiece_reads_what_was_written(charsmap, byte_fallback):
    library = pytest.importorskip("sentencepiece.sentencepiece_model_pb2")
    model = library.ModelProto()
    model.ParseFromString(
        sentencepiece_model(
            PIECES, charsmap=charsmap, byte_fallback=byte_fallback
        )
    )
    assert [(p.piece, p.score, p.type) for p in model.pieces] == PIECES
    assert model.trainer_spec.model_type == library.TrainerSpec.UNIGRAM
    assert model.trainer_spec.byte_fallback == byte_fallback
    normalizer = model.normalizer_spec
    assert normalizer.precompiled_charsmap == charsmap
    assert not normalizer.add_dummy_prefix
    assert not normalizer.remove_extra_whitespaces
    assert not normalizer.escape_whitespaces
