"""Tiny bi-encoders that several test files need."""

from semmatch.data import Pairs
from semmatch.models import BiEncoder
from semmatch.models import BiEncoderPreprocessor
from tests.checks import randomise
from tests.checks import TEXTS
from tests.checks import tiny_encoder


def bi_preprocessor(**kwargs):
    return BiEncoderPreprocessor.from_texts(
        TEXTS, **{"sequence_length": 16, **kwargs}
    )


def bi_model(encoder=None, preprocessor=None, **kwargs):
    """One layer, nothing random in training, vectors well apart."""
    model = BiEncoder(
        encoder
        or tiny_encoder(num_layers=1, dropout=0.0, attention_dropout=0.0),
        preprocessor or bi_preprocessor(),
        **kwargs,
    )
    if model.projection_dim is not None:
        randomise(model.get_layer("projection"), seed=1)
    return model


def topic_pairs(copies=4):
    """Two texts of one topic match, and share no character."""
    topics = [["取消", "还款"], ["借", "Hello"]]
    rows = [
        (a, b, int(one is other))
        for one in topics
        for other in topics
        for a in one
        for b in other
        if a != b
    ]
    text_a, text_b, label = map(list, zip(*rows * copies, strict=True))
    return Pairs(text_a, text_b, label)
