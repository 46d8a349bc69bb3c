"""Where special tokens stand around texts, read from a tokenizer file."""

from typing import NamedTuple


class Part(NamedTuple):
    """A piece of a template.

    Attributes:
        text: `"A"` or `"B"` for a text, `""` for special tokens.
        tokens: tuple of strings, the special tokens.
        ids: tuple of int, their ids.
        segment: int, the segment id of the piece.
    """

    text: str
    tokens: tuple
    ids: tuple
    segment: int


def read_templates(post_processor, vocabulary):
    """Reads the templates of one text and of a pair.

    Args:
        post_processor: the section of a tokenizer.json, or None.
        vocabulary: a dict from token to id.

    Returns:
        Two tuples of `Part`. Without a section, or with one that adds no
        tokens, they are those of BERT.

    >>> vocabulary = {"[CLS]": 1, "[SEP]": 2}
    >>> [part.text or part.ids for part in read_templates(None, vocabulary)[1]]
    [(1,), 'A', (2,), 'B', (2,)]
    """
    section = _find_section(post_processor)
    if section is None:
        return _bert(vocabulary)
    if section["type"] == "TemplateProcessing":
        specials = section["special_tokens"]
        return (
            tuple(_part(piece, specials) for piece in section["single"]),
            tuple(_part(piece, specials) for piece in section["pair"]),
        )
    cls, sep = section["cls"], section["sep"]
    if section["type"] == "BertProcessing":
        return _around(cls, sep, (sep,), second_segment=1)
    # RobertaProcessing: two separators between the texts, one segment.
    return _around(cls, sep, (sep, sep), second_segment=0)


_READABLE = ("TemplateProcessing", "BertProcessing", "RobertaProcessing")


def _find_section(post_processor):
    if post_processor is None:
        return None
    if post_processor["type"] == "Sequence":
        sections = map(_find_section, post_processor["processors"])
        return next((s for s in sections if s is not None), None)
    if post_processor["type"] == "ByteLevel":
        return None  # moves offsets, adds no tokens
    if post_processor["type"] not in _READABLE:
        raise ValueError(
            f"The tokenizer's post-processor must be one of {_READABLE}. "
            f"Received: {post_processor['type']!r}."
        )
    return post_processor


def _part(piece, specials):
    if "Sequence" in piece:
        text = piece["Sequence"]
        return Part(text["id"], (), (), text["type_id"])
    special = piece["SpecialToken"]
    record = specials[special["id"]]
    return Part(
        "", tuple(record["tokens"]), tuple(record["ids"]), special["type_id"]
    )


def _bert(vocabulary):
    for cls, sep in (("[CLS]", "[SEP]"), ("<s>", "</s>")):
        if cls in vocabulary and sep in vocabulary:
            first, last = (cls, vocabulary[cls]), (sep, vocabulary[sep])
            return _around(first, last, (last,), second_segment=1)
    raise ValueError(
        "The tokenizer file names no special tokens (no post-processor) and "
        "its vocabulary has neither [CLS] and [SEP] nor <s> and </s>."
    )


def _around(cls, sep, middle, second_segment):
    def special(tokens, segment):
        names, ids = zip(*tokens, strict=True)
        return Part("", names, ids, segment)

    single = (special([cls], 0), Part("A", (), (), 0), special([sep], 0))
    pair = (
        *single[:2],
        special(middle, 0),
        Part("B", (), (), second_segment),
        special([sep], second_segment),
    )
    return single, pair
