"""The files that a folder keeps its tokenizer in."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from semmatch.tokenizers.byte_bpe import byte_bpe_from_folder
from semmatch.tokenizers.byte_bpe import MERGES_FILE
from semmatch.tokenizers.byte_bpe import VOCABULARY_FILE
from semmatch.tokenizers.special_tokens import CONFIG_FILE
from semmatch.tokenizers.unigram import ALBERT_FILE
from semmatch.tokenizers.unigram import albert_from_folder
from semmatch.tokenizers.unigram import XLM_ROBERTA_FILE
from semmatch.tokenizers.unigram import xlm_roberta_from_folder
from semmatch.tokenizers.wordpiece import VOCABULARY_FILE as WORDPIECE_FILE
from semmatch.tokenizers.wordpiece import wordpiece_from_folder

TOKENIZER_FILE = "tokenizer.json"


class Format(NamedTuple):
    """One way of keeping a tokenizer.

    Attributes:
        files: tuple of strings, all of which a folder must have.
        read: function of the folder's path and its configuration, see
            `read_config`, that gives a `tokenizers.Tokenizer`.
        classes: tuple of strings, the classes of transformers that read the
            files so; empty for any class.
    """

    files: tuple
    read: Callable
    classes: tuple


# The first that a folder has counts.
FORMATS = (
    Format((WORDPIECE_FILE,), wordpiece_from_folder, ()),
    Format(
        (VOCABULARY_FILE, MERGES_FILE),
        byte_bpe_from_folder,
        ("Roberta", "Bart", "Longformer", "LED", "Mvp"),
    ),
    Format((XLM_ROBERTA_FILE,), xlm_roberta_from_folder, ("XLMRoberta",)),
    Format((ALBERT_FILE,), albert_from_folder, ("Albert",)),
)


def read_folder(folder, config):
    """The content of a `tokenizer.json`, or one made of other files.

    Args:
        folder: path.
        config: a dict, see `read_config`.

    Returns:
        A string.

    Raises:
        FileNotFoundError: if the folder has no tokenizer.
        ValueError: if its files cannot be read, or belong to a class of
            transformers that reads them in another way.
    """
    folder = Path(folder)
    path = folder / TOKENIZER_FILE
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = sorted(path.name for path in folder.iterdir())
    formats = [way for way in FORMATS if set(way.files) <= set(found)]
    if not formats:
        wanted = [TOKENIZER_FILE, *(" with ".join(w.files) for w in FORMATS)]
        raise FileNotFoundError(
            f"Expected {', '.join(wanted[:-1])} or {wanted[-1]} in {folder}. "
            f"Received a folder with: {', '.join(found) or 'nothing'}."
        )
    return _choose(formats, folder, config).read(folder, config).to_str()


def _choose(formats, folder, config):
    name = config.get("tokenizer_class")
    if not name:
        return formats[0]
    name = name.removesuffix("Fast").removesuffix("Tokenizer")
    named = [way for way in formats if name in way.classes]
    suited = named or [way for way in formats if not way.classes]
    if suited:
        return suited[0]
    known = [f"{n}Tokenizer" for way in formats for n in way.classes]
    raise ValueError(
        f"{folder / CONFIG_FILE} names the class {config['tokenizer_class']}, "
        f"which reads {' and '.join(formats[0].files)} in a way of its own; "
        f"here they are read as by {', '.join(known)}. Save a "
        f"{TOKENIZER_FILE} with transformers."
    )
