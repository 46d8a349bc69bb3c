"""What tells the token ids of one tokenizer from those of another."""

import hashlib
import json

# Texts that tokenizers, normalisers and prompts make different ids of.
PROBES = (
    "怎么取消借款？",
    "“引号”……—— ＡＰＰ　１２３，㈱①",
    "iPhone 15 Pro's café naïve Straße ﬁ",
    "order\u00a0no. 3\u200b4\tx\u2028y \ufffd",
    "[MASK] <s> [UNK] </s>",
    "臺灣 한국어 日本語カナ 🙂👍🏽",
    "http://a.b/c?d=e_f-g 12,345.67% -8°C",
)


def token_fingerprint(preprocessor):
    """A SHA-256 of a vocabulary, and of what becomes of some texts.

    It is not that of a `tokenizer.json`, which versions of the `tokenizers`
    library write differently.

    Args:
        preprocessor: has `tokenize(text_a, text_b)` and a `tokenizer`, or
            `parts` that have.

    Returns:
        A string of hexadecimal digits.

    >>> from semmatch.models import CrossEncoderPreprocessor
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> other = CrossEncoderPreprocessor.from_texts(["如何还款"])
    >>> token_fingerprint(preprocessor) == token_fingerprint(other)
    False
    """
    digest = hashlib.sha256()
    parts = getattr(preprocessor, "parts", {"": preprocessor})
    for part in parts.values():
        tokenizer = part.tokenizer
        tokens = [*map(tokenizer.token, range(tokenizer.vocabulary_size))]
        # What a small vocabulary lacks is unknown in any case.
        normalized = [*map(tokenizer.normalize, PROBES)]
        ids = part.tokenize(list(PROBES), list(PROBES))
        digest.update(json.dumps([tokens, normalized, ids]).encode())
    return digest.hexdigest()
