"""XLM-RoBERTa's and ALBERT's tokenizers from sentencepiece models."""

from tokenizers import models
from tokenizers import normalizers
from tokenizers import pre_tokenizers
from tokenizers import processors
from tokenizers import Tokenizer

from semmatch.tokenizers.sentencepiece_model import CONTROL
from semmatch.tokenizers.sentencepiece_model import read_sentencepiece
from semmatch.tokenizers.sentencepiece_model import UNKNOWN
from semmatch.tokenizers.sentencepiece_model import USER_DEFINED
from semmatch.tokenizers.special_tokens import add_special_tokens
from semmatch.tokenizers.special_tokens import added_ids
from semmatch.tokenizers.special_tokens import check_special_tokens
from semmatch.tokenizers.special_tokens import named_tokens

XLM_ROBERTA_FILE = "sentencepiece.bpe.model"
ALBERT_FILE = "spiece.model"

# In the order of their ids, but the mask token, which comes last.
_XLM_ROBERTA = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
_ALBERT = {
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "[MASK]",
}


def xlm_roberta_from_folder(folder, config):
    """A Rust tokenizer as XLM-RoBERTa's own.

    The model's first three pieces, `<unk>`, `<s>` and `</s>`, give way to
    fairseq's four, `<s>`, `<pad>`, `</s>` and `<unk>`; so the others' ids are
    one more than in the file, and `<mask>` has the last.

    Source: Conneau et al. 2019; Hugging Face's `XLMRobertaTokenizer`.

    Args:
        folder: `pathlib.Path` of a folder with `sentencepiece.bpe.model`,
            which holds a unigram model whatever its name says.
        config: a dict, see `read_config`; without `add_prefix_space` a text
            is taken to begin with a space.

    Returns:
        `tokenizers.Tokenizer`.
    """
    path = folder / XLM_ROBERTA_FILE
    model = read_sentencepiece(path)
    first = [piece.kind for piece in model.pieces[:3]]
    if first != [UNKNOWN, CONTROL, CONTROL]:
        names = ", ".join(piece.text for piece in model.pieces[:3])
        raise ValueError(
            f"{path} must begin with the pieces <unk>, <s>, </s>, as that of "
            f"XLM-RoBERTa. Received: {names}. Where it belongs to another "
            "model, save a tokenizer.json with transformers."
        )
    special = named_tokens(config, _XLM_ROBERTA)
    *before, mask = special.values()
    twice = {piece.text for piece in model.pieces[3:]} & {*before, mask}
    if twice:
        raise ValueError(
            f"{path} has the special pieces {', '.join(sorted(twice))} where "
            "that of XLM-RoBERTa has none: each would have two ids. Save a "
            "tokenizer.json with transformers."
        )
    scores = [
        *((token, 0.0) for token in before),
        *((piece.text, piece.score) for piece in model.pieces[3:]),
        (mask, 0.0),
    ]
    rust = _unigram(scores, before.index(special["unk_token"]), model)
    rust.normalizer = _charsmap(path, model)
    rust.pre_tokenizer = _words(config)
    _add_tokens(rust, special, config, path, model.pieces[3:])
    bos, eos = special["bos_token"], special["eos_token"]
    rust.post_processor = processors.TemplateProcessing(
        single=[bos, "$A", eos],
        pair=[bos, "$A", eos, eos, "$B", eos],
        special_tokens=[
            (token, rust.token_to_id(token)) for token in (bos, eos)
        ],
    )
    return rust


def albert_from_folder(folder, config):
    """A Rust tokenizer as ALBERT's own.

    Source: Lan et al. 2019; Hugging Face's `AlbertConverter`.

    Args:
        folder: `pathlib.Path` of a folder with `spiece.model`.
        config: a dict, see `read_config`; without `do_lower_case` texts are
            lower-cased, without `keep_accents` they lose their accents.

    Returns:
        `tokenizers.Tokenizer`.
    """
    path = folder / ALBERT_FILE
    model = read_sentencepiece(path)
    special = named_tokens(config, _ALBERT)
    known = {piece.text for piece in model.pieces} | added_ids(config).keys()
    check_special_tokens(special.values(), known, path)
    # Its authors split a number from a comma; a rare piece loses to two.
    scores = [
        (piece.text, piece.score - 100 * _is_number_and_comma(piece.text))
        for piece in model.pieces
    ]
    kinds = [piece.kind for piece in model.pieces]
    rust = _unigram(scores, kinds.index(UNKNOWN), model)
    steps = [
        normalizers.Replace("``", '"'),
        normalizers.Replace("''", '"'),
    ]
    if not config.get("keep_accents", False):
        steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if config.get("do_lower_case", True):
        steps.append(normalizers.Lowercase())
    charsmap = _charsmap(path, model)
    steps += [charsmap] if charsmap else []
    rust.normalizer = normalizers.Sequence(steps)
    rust.pre_tokenizer = _words(config)
    _add_tokens(rust, special, config, path, model.pieces)
    cls, sep = special["cls_token"], special["sep_token"]
    rust.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[
            (token, rust.token_to_id(token)) for token in (cls, sep)
        ],
    )
    return rust


def _unigram(scores, unknown, model):
    # User-defined pieces need nothing more: their score of 0 beats all.
    return Tokenizer(
        models.Unigram(scores, unknown, byte_fallback=model.byte_fallback)
    )


def _charsmap(path, model):
    """The model's normalisation, None where it has none."""
    if not model.charsmap:
        return None
    try:
        charsmap = normalizers.Precompiled(model.charsmap)
    except Exception as error:
        # The Rust library raises this very class; others are not its own.
        if type(error) is not Exception:
            raise
        raise ValueError(
            f"{path} has a damaged table of its normalisation: {error}. Copy "
            "it again."
        ) from error
    for piece in model.pieces:
        text = piece.text.replace("▁", " ")
        if piece.kind == USER_DEFINED and charsmap.normalize_str(text) != text:
            raise ValueError(
                f"{path} has the user-defined symbol {piece.text!r}, which its "
                "own normalisation changes; that sentencepiece leaves it out "
                "there cannot be done here. Train it without."
            )
    return charsmap


def _words(config):
    """Words begin with `▁`, the first one too."""
    prefix = config.get("add_prefix_space", True)
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(
                prepend_scheme="always" if prefix else "never"
            ),
        ]
    )


def _add_tokens(rust, special, config, path, pieces):
    # Words leave out the space before a mask token anyhow.
    add_special_tokens(rust, special, config, path)
    rust.add_special_tokens(
        [piece.text for piece in pieces if piece.kind == CONTROL]
    )


def _is_number_and_comma(piece):
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()
