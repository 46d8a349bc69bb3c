"""Models whose scores tell pairs apart, and pairs that are awkward."""

from tests.checks import TEXTS
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import tiny_preprocessor

PAIRS = [(a, b) for a in TEXTS for b in TEXTS]
PAIRS += [
    ("", ""),
    ("怎么取消借款", ""),
    ("", "如何还款"),
    ("😀🇨🇳", "还款👍🏽吗"),
    ("取消" * 500, "借款还款" * 400),
    ("取消", "借款还款" * 400),
    ("cafe\u0301 Ａ１", "\u3000\t\n"),
    ("\x00[SEP]", "[MASK] 取消"),
]


def spread_model(encoder=None, preprocessor=None, **kwargs):
    """Two layers, and logits of mean 0 and variance 1 over `PAIRS`.

    Scores that hardly differ would pass for right in the wrong order.
    """
    encoder = encoder or tiny_encoder(num_layers=2)
    model = tiny_model(encoder, preprocessor, **kwargs)
    texts = tuple(list(column) for column in zip(*PAIRS, strict=True))
    logits = model.predict(texts, verbose=0)
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    scale = 1 / logits.std(axis=0)
    head.set_weights([kernel * scale, (bias - logits.mean(axis=0)) * scale])
    return model


def without_segments(**kwargs):
    return spread_model(
        tiny_encoder(num_layers=2, num_segments=0, pooler=False),
        tiny_preprocessor(segments=False),
        **kwargs,
    )
