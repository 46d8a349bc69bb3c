"""In how many texts a graph's tokens differ from those of the tokenizer."""

import tensorflow as tf

from semmatch._checks import check_text
from semmatch.data import load_faq

# Of the texts, the share above which an export is refused.
MOST_MISMATCHES = 0.001

# Texts whose tokens are held at once.
_CHUNK = 10_000

# What users type, and what tokenizers disagree on.
_AWKWARD = (
    "",
    " ",
    " 两边有空格  ",
    "第一行\n第二行\t\r\n",
    "ＡＰＰ打不开，提示“Ｅ１００”…",
    "①怎么还款？②如何取消！",
    "利率是１２．５％～１８％（年化）吗",
    "怎么\u3000还款\u00a0吗",
    "零宽\u200b字符\ufeff和\u200d连接",
    "cafe\u0301 naïve ÅNGSTRÖM Straße",
    "ΟΔΟΣ ΣΑΣ İstanbul Ǆ ﬁ",
    "👍🏽👩\u200d👩\u200d👧❤\ufe0f🇨🇳还款",
    "[CLS] [MASK][SEP]<s></s> <mask> ##还款 [unused1]",
    "https://example.com/a?b=c&d=1#e user@example.com",
    "don't  re-pay $1,234.56 !!!",
    "𠮷野家 㐂 ㈱ ℃ №5 ½",
    "شكرا שלום ขอบคุณ हिन्दी 한국어 ありがとう",
    "\x00\x01\x7f\x9f\ufffd\ue000",
    "a" * 150,
    "怎么还款？" * 120,
)


def default_texts():
    """Texts to compare on where the user gives none, a list of strings."""
    faqs = [load_faq(language) for language in ("zh", "en")]
    return [
        *_AWKWARD,
        *(
            text
            for faq in faqs
            for split in ("train", "valid", "test")
            for text in faq.texts(split)
        ),
    ]


def checked_texts(texts):
    """The user's texts as a list, or an error.

    Args:
        texts: list of strings, or None for `default_texts()`.

    >>> checked_texts(["怎么还款"])
    ['怎么还款']
    """
    if texts is None:
        return default_texts()
    if isinstance(texts, str):
        raise TypeError(
            "`texts` must be a list of strings, such as your own questions. "
            f"Received: the string {texts!r}."
        )
    texts = [check_text(text, f"texts[{i}]") for i, text in enumerate(texts)]
    if not texts:
        raise ValueError(
            "`texts` must hold a text to compare tokenizers on. Received: "
            "none. Leave it out for the bundled ones."
        )
    return texts


def equal_texts(tokenizer, graph, texts, prompts=("",)):
    """The texts of which both tokenizers give the same ids, with each prompt.

    Args:
        tokenizer: `semmatch.tokenizers.Tokenizer`.
        graph: `GraphTokenizer`.
        texts: list of strings.
        prompts: strings that are put before them.

    Returns:
        A list of strings.

    Raises:
        RuntimeError: if they are too few.
    """
    equal, other = [], []
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        same = [True] * len(chunk)
        for prompt in dict.fromkeys(prompts):
            full = [prompt + text for text in chunk]
            found = graph(to_strings(full)).to_list()
            pairs = zip(found, tokenizer.tokenize(full), strict=True)
            same = [s and a == b for s, (a, b) in zip(same, pairs, strict=True)]
        for text, is_same in zip(chunk, same, strict=True):
            (equal if is_same else other).append(text)
    if len(other) > MOST_MISMATCHES * len(texts):
        raise RuntimeError(
            "The tokenizer's graph form gives other tokens than the tokenizer "
            f"for {len(other):,} of {len(texts):,} texts "
            f"({len(other) / len(texts):.2%}), more than "
            f"{MOST_MISMATCHES:.1%}, such as {other[0]!r}; nothing was "
            "written. Use `export_onnx`, whose `Matcher` has the tokenizer "
            "itself."
        )
    return equal


def to_strings(texts):
    """Texts as a TensorFlow tensor, string `(n,)`."""
    return tf.constant([text.encode("utf-8") for text in texts], tf.string)
