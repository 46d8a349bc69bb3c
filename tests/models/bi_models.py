"""Tiny bi-encoders that several test files need."""

import numpy as np

from semmatch.data import Pairs
from semmatch.layers import POOLINGS
from semmatch.models import BiEncoder
from semmatch.models import BiEncoderPreprocessor
from tests.checks import randomise
from tests.checks import TEXTS
from tests.checks import tiny_encoder
from tests.checks import to_numpy


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


def one_by_one(model, texts, prompt=""):
    """What a model pools of each text, alone and without padding."""
    rows = []
    for text in texts:
        ids = model.preprocessor.packer.tokenize([text], prompt)[0]
        single = model.preprocessor.tokenizer.single
        ids = [*single[0].ids, *ids, *single[-1].ids]
        features = {
            "token_ids": np.array([ids], "int32"),
            "padding_mask": np.ones((1, len(ids)), "int32"),
            "segment_ids": np.zeros((1, len(ids)), "int32"),
        }
        outputs = model.backbone(features)
        if model.pooling == "pooler":
            rows.append(to_numpy(outputs["pooled_output"])[0])
        else:
            layer = POOLINGS[model.pooling]()
            tokens, mask = outputs["sequence_output"], features["padding_mask"]
            rows.append(to_numpy(layer(tokens, mask))[0])
    return np.array(rows)
