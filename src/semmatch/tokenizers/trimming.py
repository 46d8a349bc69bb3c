"""A tokenizer cut to the pieces that a corpus needs."""

import json
import re

import numpy as np
import tokenizers

from semmatch.tokenizers.tokenizer import Tokenizer

# Texts whose tokens are held at once.
_CHUNK = 10_000

_BYTE = re.compile("<0x[0-9A-F]{2}>")

# A model that knows no word and so gives each one back whole.
_WHOLE_WORDS = {
    "type": "Unigram",
    "unk_id": 0,
    "vocab": [["<unk>", 0.0]],
    "byte_fallback": False,
}


def trim_vocabulary(tokenizer, texts):
    """Leaves out the pieces that texts do not need.

    It keeps the pieces that the texts are cut into, and those by which other
    texts can still be read: special and added tokens, the unknown token, all
    pieces of one character, `##` before it or not, and those of one byte.

    The texts are cut into the same pieces as before. WordPiece takes the
    longest piece that fits, from left to right: the longest of many is that
    of fewer, whatever shorter ones are kept beside it. A word is unknown if
    at some place no piece fits, and is read as before up to there since these
    pieces are kept as well; without them shorter ones might lead past the
    place. Unigram takes the path of the highest sum of scores, which is the
    highest of fewer paths too, and of equal ones the one whose last piece is
    the longest, place by place. No path becomes better: a character may be
    unknown only where it is no piece of its own, and those that are stay; and
    what that costs depends on the lowest score, whose piece stays.

    Args:
        tokenizer: `Tokenizer` with a WordPiece or Unigram model.
        texts: list of strings, as the model reads them: prompts included.

    Returns:
        A `Tokenizer`, and int64 `(pieces,)`, the ids of its pieces in
        `tokenizer`, in increasing order: `table[kept]` is its embedding.

    Raises:
        ValueError: without texts; for a BPE model, whose pieces are made of
            each other; for ids that are not in the order of the vocabulary.

    >>> tokenizer = Tokenizer.train(["还款", "loan loan", "app app"])
    >>> trimmed, kept = trim_vocabulary(tokenizer, ["app还款"])
    >>> [trimmed.token(i) for i in trimmed.tokenize(["app loan"])[0]]
    ['app', 'l', '##o', '##a', '##n']
    >>> tokenizer.vocabulary_size, trimmed.vocabulary_size, len(kept)
    (18, 17, 17)
    """
    texts = [] if isinstance(texts, str) else list(texts)
    if not texts:
        raise ValueError(
            "`trim_vocabulary` needs a list of one text or more, whose pieces "
            "to keep. Received: no text, or one string instead of a list."
        )
    record = json.loads(tokenizer.to_json())
    model = record["model"]
    if model["type"] not in _FALLBACKS:
        raise ValueError(
            "`trim_vocabulary` cuts WordPiece and Unigram models: the pieces "
            "of BPE are made of each other. Received: a tokenizer with a "
            f"{model['type']} model. Keep its vocabulary."
        )
    # The one place left out, that of the pad token, is found by its name.
    record["padding"] = None
    kept = sorted(_ids_to_keep(tokenizer, record, texts))
    new = {old: index for index, old in enumerate(kept)}
    for holder, key in _places_of_ids(record):
        holder[key] = new[holder[key]]
    if model["type"] == "Unigram":
        pieces = enumerate(model["vocab"])
        model["vocab"] = [piece for old, piece in pieces if old in new]
    else:
        pieces = model["vocab"].items()
        model["vocab"] = {p: new[old] for p, old in pieces if old in new}
    trimmed = Tokenizer(json.dumps(record), pad_token=tokenizer.pad_token)
    # The library gives added tokens ids of its own, the next ones.
    if [*map(trimmed.token, new.values())] != [*map(tokenizer.token, new)]:
        raise ValueError(
            "`trim_vocabulary` expects the ids of a vocabulary to be 0, 1, 2 "
            "and so on, and those of added tokens to follow. Received: a "
            f"tokenizer of {tokenizer.vocabulary_size} ids which have gaps or "
            "stand for two pieces. Keep its vocabulary."
        )
    return trimmed, np.array(kept, "int64")


def _ids_to_keep(tokenizer, record, texts):
    """A set of ids."""
    ids = {holder[key] for holder, key in _places_of_ids(record)}
    # BERT's template, where the file has none, and the pad token.
    for part in (*tokenizer.single, *tokenizer.pair):
        ids.update(part.ids)
    ids.add(tokenizer.pad_id)
    ids.update(_FALLBACKS[tokenizer.model](record["model"]))
    return ids | _ids_of_texts(tokenizer, record, texts)


def _places_of_ids(record):
    """Where a file holds ids beside the pieces: pairs of holder and key."""
    for token in record["added_tokens"]:
        yield token, "id"
    model = record["model"]
    if model.get("unk_id") is not None:
        yield model, "unk_id"
    if record["post_processor"] is not None:
        yield from _places_in_section(record["post_processor"])


def _places_in_section(section):
    if section["type"] == "Sequence":
        for part in section["processors"]:
            yield from _places_in_section(part)
    elif section["type"] == "TemplateProcessing":
        for special in section["special_tokens"].values():
            for index in range(len(special["ids"])):
                yield special["ids"], index
    elif section["type"] in ("BertProcessing", "RobertaProcessing"):
        for name in ("cls", "sep"):
            yield section[name], 1


def _wordpiece_fallbacks(model):
    prefix = model["continuing_subword_prefix"]
    for piece, index in model["vocab"].items():
        is_character = len(piece.removeprefix(prefix)) == 1
        if is_character or piece == model["unk_token"]:
            yield index


def _unigram_fallbacks(model):
    scores = [score for _, score in model["vocab"]]
    yield scores.index(min(scores))
    for index, (piece, _) in enumerate(model["vocab"]):
        is_byte = model["byte_fallback"] and _BYTE.fullmatch(piece)
        if len(piece) == 1 or is_byte:
            yield index


_FALLBACKS = {"WordPiece": _wordpiece_fallbacks, "Unigram": _unigram_fallbacks}


def _ids_of_texts(tokenizer, record, texts):
    """The ids of all pieces that the texts are read by, a set."""
    found = set()
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        ids = tokenizer.tokenize(chunk)
        found.update(*ids)
        if tokenizer.model == "WordPiece":
            pairs = zip(chunk, ids, strict=True)
            lost = [t for t, row in pairs if tokenizer.unknown_id in row]
            found |= _ids_in_words(record, lost)
    return found


def _ids_in_words(record, texts):
    """The ids that WordPiece comes across, in words that are unknown too."""
    model = record["model"]
    rust = tokenizers.Tokenizer.from_str(
        json.dumps({**record, "model": _WHOLE_WORDS})
    )
    # Not the fast way, which gives ids alone.
    encodings = rust.encode_batch(texts, add_special_tokens=False)
    words = {word for encoding in encodings for word in encoding.tokens}
    found = set()
    for word in words:
        if len(word) <= model["max_input_chars_per_word"]:
            found.update(_longest_pieces(word, model))
    return found


def _longest_pieces(word, model):
    """Ids of the longest pieces of a word, up to where none fits."""
    vocabulary, start = model["vocab"], 0
    while start < len(word):
        prefix = model["continuing_subword_prefix"] if start else ""
        for end in range(len(word), start, -1):
            piece = prefix + word[start:end]
            if piece in vocabulary:
                yield vocabulary[piece]
                start = end
                break
        else:
            return
