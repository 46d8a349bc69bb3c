"""How a tokenizer writes texts in one way, as TensorFlow operations."""

import base64
import re

import tensorflow as tf
import tensorflow_text as tf_text

from semmatch.export.character_classes import accents
from semmatch.export.character_classes import bert_accents
from semmatch.export.character_classes import bert_control
from semmatch.export.character_classes import WHITE_SPACE
from semmatch.export.graph_form import no_graph_form
from semmatch.export.graph_sentencepiece import graph_sentencepiece
from semmatch.export.sentencepiece_writer import NORMAL
from semmatch.export.sentencepiece_writer import UNKNOWN

# Those of the Rust library: a block of Unicode is not among them.
_CHINESE = (
    r"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}"
    r"\x{2A700}-\x{2B73F}\x{2B740}-\x{2B81F}\x{2B920}-\x{2CEAF}"
    r"\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}])"
)

# A character, white space or a class of characters and ranges, and how often:
# what both libraries take alike.
_PLAIN_REGEX = re.compile(
    r"(?P<one>[^\\.^$*+?()\[\]{}|]|\\s|\[[^\\\[\]^&]+\])"
    r"(?P<count>\+|\{[1-9]\d*(,\d*)?\})?"
)


class GraphNormalizer(tf.Module):
    """The `normalizer` of a tokenizer.json in a graph.

    Args:
        section: a dict, or None for texts as they are.

    Raises:
        ValueError: for what has no graph form; names it.

    >>> normalizer = GraphNormalizer({"type": "Lowercase"})
    >>> normalizer(tf.constant(["ΟΔΟΣ"])).numpy()[0].decode()
    'οδοσ'
    """

    def __init__(self, section):
        super().__init__()
        self._steps = [] if section is None else _steps(section)

    def __call__(self, texts):
        """Texts written in one way.

        Args:
            texts: string `(n,)`.

        Returns:
            string `(n,)`.
        """
        for step in self._steps:
            texts = step(texts)
        return texts


class _Precompiled(tf.Module):
    """The table of a sentencepiece model's own normalisation."""

    def __init__(self, section):
        super().__init__()
        # A model that knows no word gives back the text, normalised.
        self._model = graph_sentencepiece(
            [("<unk>", 0.0, UNKNOWN), ("a", 0.0, NORMAL)],
            out_type=tf.string,
            charsmap=base64.b64decode(section["precompiled_charsmap"]),
        )

    def __call__(self, texts):
        return tf.strings.reduce_join(self._model.tokenize(texts), axis=1)


def _steps(section):
    kind = section["type"]
    if kind not in _TABLE:
        raise no_graph_form(f"A normalizer of type {kind!r}")
    return _TABLE[kind](section)


def _sequence(section):
    return [step for part in section["normalizers"] for step in _steps(part)]


def _bert(section):
    steps = []
    if section["clean_text"]:
        steps.append(_replacing(bert_control(), ""))
        steps.append(_replacing(WHITE_SPACE, " "))
    if section["handle_chinese_chars"]:
        steps.append(_replacing(_CHINESE, r" \1 "))
    strip = section["strip_accents"]
    if section["lowercase"] if strip is None else strip:
        steps.append(_unicode_form("NFD"))
        steps.append(_replacing(bert_accents(), ""))
    if section["lowercase"]:
        steps.append(_lower)
    return steps


def _strip(section):
    sides = [
        pattern
        for side, pattern in (
            ("strip_left", f"^{WHITE_SPACE}+"),
            ("strip_right", f"{WHITE_SPACE}+$"),
        )
        if section[side]
    ]
    return [_replacing(pattern, "") for pattern in sides]


def _replace(section):
    pattern = section["pattern"]
    if "String" in pattern:
        regex = quote(pattern["String"])
    else:
        plain = _PLAIN_REGEX.fullmatch(pattern["Regex"])
        if plain is None:
            raise no_graph_form(
                f"A normalizer that replaces {pattern['Regex']!r}"
            )
        one = WHITE_SPACE if plain["one"] == r"\s" else plain["one"]
        regex = one + (plain["count"] or "")
    return [_replacing(regex, section["content"].replace("\\", r"\\"))]


def quote(text):
    """A regular expression of RE2 that matches a text alone.

    >>> quote("a.[")
    'a\\\\x{2E}\\\\x{5B}'
    """
    return "".join(
        c if c.isascii() and c.isalnum() else f"\\x{{{ord(c):X}}}" for c in text
    )


def _replacing(regex, rewrite):
    def step(texts):
        return tf.strings.regex_replace(texts, regex, rewrite)

    return step


def _unicode_form(form):
    def step(texts):
        return tf_text.normalize_utf8(texts, form)

    return step


def _lower(texts):
    # It would become another letter at the end of a word.
    texts = tf.strings.regex_replace(texts, "Σ", "σ")
    return tf.strings.lower(texts, encoding="utf-8")


_TABLE = {
    "Sequence": _sequence,
    "BertNormalizer": _bert,
    "Lowercase": lambda section: [_lower],
    "StripAccents": lambda section: [_replacing(accents(), "")],
    "Strip": _strip,
    "Replace": _replace,
    "Precompiled": lambda section: [_Precompiled(section)],
    **{
        form: lambda section: [_unicode_form(section["type"])]
        for form in ("NFC", "NFD", "NFKC", "NFKD")
    },
}
