"""What the Rust library takes for marks and signs, as regular expressions.

Its tables are of another Unicode version than those of TensorFlow's regular
expressions, so that it is asked for each character.
"""

import functools
import unicodedata

from tokenizers import normalizers
from tokenizers import pre_tokenizers

# Unicode's property White_Space, which no version has changed since 6.3; in
# Python it has separators of files and records as well.
WHITE_SPACE = (
    r"[\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}"
    r"\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]"
)


@functools.cache
def bert_control():
    """The characters that `BertNormalizer` leaves out as no text."""
    normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=False,
        strip_accents=False,
        lowercase=False,
    )
    # Of private use are too many to be asked for.
    return f"[{_vanishing(normalizer)}\\p{{Co}}]"


@functools.cache
def bert_accents():
    """The characters that `BertNormalizer` leaves out as accents."""
    normalizer = normalizers.BertNormalizer(
        clean_text=False,
        handle_chinese_chars=False,
        strip_accents=True,
        lowercase=False,
    )
    return f"[{_vanishing(normalizer)}]"


@functools.cache
def accents():
    """The characters that `StripAccents` leaves out."""
    return f"[{_vanishing(normalizers.StripAccents())}]"


@functools.cache
def bert_punctuation():
    """The characters that `BertPreTokenizer` cuts off as words."""
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    signs = [c for c in _candidates() if len(split(f"a{c}a")) > 2]
    return f"[{ranges(signs)}]"


def ranges(characters):
    """Characters as the inside of a class, in ascending order.

    >>> ranges("abcx")
    '\\\\x{61}-\\\\x{63}\\\\x{78}'
    """
    runs: list = []
    for point in sorted(map(ord, characters)):
        if runs and runs[-1][1] == point - 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return "".join(
        f"\\x{{{first:X}}}" + (f"-\\x{{{last:X}}}" if last > first else "")
        for first, last in runs
    )


def _vanishing(normalizer):
    return ranges(c for c in _candidates() if not normalizer.normalize_str(c))


@functools.cache
def _candidates():
    """All assigned characters that any version may take for a mark or sign.

    Letters and digits are left out beyond the scripts of which some were
    marks once; so is what is of private use.
    """
    # Other planes hold ideographs, nothing, or what is of private use.
    points = (*range(0x20000), *range(0xE0000, 0xF0000))
    return [
        chr(point)
        for point in points
        if (kind := unicodedata.category(chr(point))) not in ("Cn", "Co", "Cs")
        and (point < 0x3400 or kind[0] in "CMPSZ")
    ]
