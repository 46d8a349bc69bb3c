"""BERT's WordPiece tokenizers from a vocabulary, or from texts."""

import collections

from tokenizers import models
from tokenizers import normalizers
from tokenizers import pre_tokenizers
from tokenizers import processors
from tokenizers import Tokenizer

from semmatch.tokenizers.special_tokens import add_special_tokens
from semmatch.tokenizers.special_tokens import added_ids
from semmatch.tokenizers.special_tokens import check_special_tokens
from semmatch.tokenizers.special_tokens import named_tokens

VOCABULARY_FILE = "vocab.txt"

_DEFAULTS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def wordpiece_from_folder(folder, config):
    """A Rust tokenizer as BERT's own, from a `vocab.txt`.

    Source: Devlin et al. 2018; Hugging Face's `BertTokenizer`.

    Args:
        folder: `pathlib.Path` of a folder with `vocab.txt`, one piece a line.
        config: a dict, see `read_config`; without `do_lower_case` texts are
            lower-cased exactly if no piece has an upper-case letter.

    Returns:
        `tokenizers.Tokenizer`.
    """
    path = folder / VOCABULARY_FILE
    special = named_tokens(config, _DEFAULTS)
    vocabulary = _read_vocabulary(path)
    # The model itself asks for this one.
    known = vocabulary.keys() | added_ids(config).keys()
    known -= {special["unk_token"]} - vocabulary.keys()
    check_special_tokens(special.values(), known, path)
    lowercase = config.get("do_lower_case")
    if lowercase is None:
        lowercase = not any(
            piece != piece.lower()
            for piece in vocabulary
            # Such as [CLS], [unused1] and the <S> of Chinese BERT.
            if (piece[:1], piece[-1:]) not in (("[", "]"), ("<", ">"))
        )
    rust = Tokenizer(
        models.WordPiece(
            vocabulary,
            unk_token=special["unk_token"],
            max_input_chars_per_word=100,
        )
    )
    add_special_tokens(rust, special, config, path)
    _set_up(
        rust,
        special,
        lowercase=lowercase,
        strip_accents=config.get("strip_accents"),
        chinese=config.get("tokenize_chinese_chars", True),
    )
    return rust


def train_wordpiece(texts, vocabulary_size):
    """A Rust tokenizer whose pieces are those of texts.

    They are the characters, alone and inside words, and the words that occur
    more than once, the most frequent first; the same texts give the same
    pieces.

    Args:
        texts: list of strings.
        vocabulary_size: int, the most pieces.

    Returns:
        `tokenizers.Tokenizer`.
    """
    normalizer = normalizers.BertNormalizer()
    splitter = pre_tokenizers.BertPreTokenizer()
    words = collections.Counter(
        word
        for text in texts
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
    )
    characters, inner = collections.Counter(), collections.Counter()
    for word, count in words.items():
        characters.update(dict.fromkeys(word, count))
        inner.update(dict.fromkeys((f"##{c}" for c in word[1:]), count))
    longer = {w: n for w, n in words.items() if len(w) > 1 and n > 1}
    # Not the library's trainer: its pieces differ from call to call.
    pieces = [*_DEFAULTS.values()]
    for counts in (characters, inner, longer):
        pieces += sorted(counts, key=lambda piece: (-counts[piece], piece))
    vocabulary = {piece: i for i, piece in enumerate(pieces[:vocabulary_size])}
    rust = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    rust.add_special_tokens(list(_DEFAULTS.values()))
    _set_up(rust, _DEFAULTS, lowercase=True, strip_accents=None, chinese=True)
    return rust


def _set_up(rust, special, *, lowercase, strip_accents, chinese):
    """Everything of BERT's tokenizer but the pieces."""
    rust.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=chinese,
        strip_accents=strip_accents,
        lowercase=lowercase,
    )
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cls, sep = special["cls_token"], special["sep_token"]
    rust.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[
            (cls, rust.token_to_id(cls)),
            (sep, rust.token_to_id(sep)),
        ],
    )


def _read_vocabulary(path):
    # Only "\n" ends a line: some pieces are other line separators.
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error}.") from error
    lines = text.rstrip("\r\n").split("\n")
    vocabulary = {}
    for number, line in enumerate(lines):
        piece = line.removesuffix("\r")
        if piece in vocabulary:
            raise ValueError(
                f"{path}, line {number + 1}: the piece {piece!r} stands in "
                f"line {vocabulary[piece] + 1} already. Each piece must stand "
                "once, its line number being its id."
            )
        vocabulary[piece] = number
    return vocabulary
