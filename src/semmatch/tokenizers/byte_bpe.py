"""RoBERTa's byte-level tokenizers from their vocabulary and merges."""

import warnings

from tokenizers import models
from tokenizers import pre_tokenizers
from tokenizers import processors
from tokenizers import Tokenizer

from semmatch._json import read_json_object
from semmatch.tokenizers.special_tokens import add_special_tokens
from semmatch.tokenizers.special_tokens import added_ids
from semmatch.tokenizers.special_tokens import check_special_tokens
from semmatch.tokenizers.special_tokens import named_tokens

VOCABULARY_FILE = "vocab.json"
MERGES_FILE = "merges.txt"

_DEFAULTS = {
    "cls_token": "<s>",
    "pad_token": "<pad>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


def byte_bpe_from_folder(folder, config):
    """A Rust tokenizer as RoBERTa's own.

    Source: Liu et al. 2019; Hugging Face's `RobertaTokenizer`.

    Args:
        folder: `pathlib.Path` of a folder with `vocab.json` and `merges.txt`.
        config: a dict, see `read_config`; `add_prefix_space` makes the first
            word one that follows a space.

    Returns:
        `tokenizers.Tokenizer`.
    """
    path = folder / VOCABULARY_FILE
    vocabulary = _read_vocabulary(path)
    special = named_tokens(config, _DEFAULTS)
    known = vocabulary.keys() | added_ids(config).keys()
    check_special_tokens(special.values(), known, path)
    _warn_of_lacking_bytes(path, vocabulary)
    merges = _read_merges(folder / MERGES_FILE, vocabulary)
    rust = Tokenizer(models.BPE(vocabulary, merges))
    add_special_tokens(rust, special, config, path, mask_strips=True)
    prefix = bool(config.get("add_prefix_space", False))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    rust.post_processor = processors.RobertaProcessing(
        *(
            (special[name], rust.token_to_id(special[name]))
            for name in ("sep_token", "cls_token")
        ),
        add_prefix_space=prefix,
    )
    return rust


def _read_vocabulary(path):
    vocabulary = read_json_object(path)
    pieces = {}
    for piece, index in vocabulary.items():
        if type(index) is not int or index < 0:
            raise ValueError(
                f"{path} must give each piece an id, an integer from 0. "
                f"Received: {index!r} for {piece!r}. Copy it again."
            )
        if index in pieces:
            raise ValueError(
                f"{path} gives the id {index} to {pieces[index]!r} and to "
                f"{piece!r}. Each piece needs one of its own: copy it again."
            )
        pieces[index] = piece
    gap = next((i for i in range(len(pieces)) if i not in pieces), None)
    if gap is not None:
        raise ValueError(
            f"{path} has no piece of id {gap}, but one of id {max(pieces)}. "
            "Ids must be without gaps: copy it again."
        )
    return vocabulary


def _warn_of_lacking_bytes(path, vocabulary):
    lacking = set(pre_tokenizers.ByteLevel.alphabet()) - vocabulary.keys()
    if lacking:
        warnings.warn(
            f"{path} lacks {len(lacking)} of the 256 pieces of one byte: "
            "what texts have of them is left out, as in transformers.",
            stacklevel=5,
        )


def _read_merges(path, vocabulary):
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error}.") from error
    merges = []
    for number, line in enumerate(text.rstrip("\r\n").split("\n"), start=1):
        line = line.removesuffix("\r")
        if line.startswith("#version"):
            continue
        parts = tuple(line.split(" "))
        if len(parts) != 2 or not all(parts):
            raise ValueError(
                f"{path}, line {number}: expected two pieces with a space "
                f"between. Received: {line!r}. Copy it again."
            )
        for piece in (*parts, "".join(parts)):
            if piece not in vocabulary:
                raise ValueError(
                    f"{path}, line {number}: the vocabulary has no piece "
                    f"{piece!r}. Take {VOCABULARY_FILE} and {MERGES_FILE} "
                    "of the same tokenizer."
                )
        merges.append(parts)
    return merges
