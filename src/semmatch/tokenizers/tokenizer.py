"""One Rust tokenizer, and what a model must know of it."""

import json
import os
from pathlib import Path

import tokenizers

from semmatch._checks import check_text
from semmatch.tokenizers.folder import read_folder
from semmatch.tokenizers.folder import TOKENIZER_FILE
from semmatch.tokenizers.special_tokens import content
from semmatch.tokenizers.special_tokens import read_config
from semmatch.tokenizers.template import read_templates
from semmatch.tokenizers.wordpiece import train_wordpiece

_PAD_TOKENS = ("<pad>", "[PAD]")


class Tokenizer:
    """Turns texts into token ids, the same in training and in serving.

    It holds one `tokenizers.Tokenizer`. That one's truncation and padding
    are switched off: files carry settings of the training they come from,
    and `Packer` does both. An object may be used from several threads.

    Args:
        text: string, the content of a `tokenizer.json`.
        pad_token: string, or None for the file's own.

    Attributes:
        pad_id: int, the id that fills a batch.
        unknown_id: int, the id of what the vocabulary lacks; None if it
            lacks nothing.
        vocabulary_size: int, the largest id + 1.
        model: string, `"WordPiece"`, `"Unigram"` or `"BPE"`.
        single: tuple of `Part`, the template of one text.
        pair: tuple of `Part`, the template of a pair.

    >>> tokenizer = Tokenizer.train(["怎么还款", "如何还款"])
    >>> [tokenizer.pair[0].tokens, tokenizer.pair[-1].tokens]
    [('[CLS]',), ('[SEP]',)]
    """

    def __init__(self, text, *, pad_token=None):
        try:
            self._rust = tokenizers.Tokenizer.from_str(text)
        except Exception as error:
            # The Rust library raises this very class; others are not its own.
            if type(error) is not Exception:
                raise
            raise ValueError(
                "Expected the content of a Hugging Face tokenizer.json. The "
                f"`tokenizers` library could not read it: {error}."
            ) from error
        self._rust.no_truncation()
        padding = self._rust.padding or {}
        self._rust.no_padding()
        self.pad_token = self._find_pad_token(
            pad_token or padding.get("pad_token")
        )
        self.pad_id = self._rust.token_to_id(self.pad_token)
        vocabulary = self._rust.get_vocab(with_added_tokens=True)
        self.vocabulary_size = max(vocabulary.values()) + 1
        record = json.loads(self._rust.to_str())
        self.model = record["model"]["type"]
        self.unknown_id = _unknown_id(record["model"], vocabulary)
        self.single, self.pair = read_templates(
            record["post_processor"], vocabulary
        )

    @classmethod
    def from_folder(cls, folder):
        """Reads the tokenizer of a checkpoint's folder.

        It is the first of `tokenizer.json`; `vocab.txt` (BERT); `vocab.json`
        with `merges.txt` (RoBERTa); `sentencepiece.bpe.model` (XLM-RoBERTa);
        `spiece.model` (ALBERT). All but the first are read with the settings
        and tokens of `tokenizer_config.json`, `special_tokens_map.json` and
        `added_tokens.json`, as transformers does; the first has its own.

        Args:
            folder: path.

        Raises:
            FileNotFoundError: if the folder holds none of them.
            ValueError: if a file cannot be read.
        """
        config = read_config(Path(folder))
        text = read_folder(folder, config)
        try:
            return cls(text, pad_token=content(config.get("pad_token")))
        except ValueError as error:
            raise ValueError(f"{folder}: {error}") from error

    @classmethod
    def train(cls, texts, vocabulary_size=8000):
        """A WordPiece tokenizer of the texts' own characters and words.

        Args:
            texts: list of strings.
            vocabulary_size: int, the most pieces.
        """
        return cls(train_wordpiece(texts, vocabulary_size).to_str())

    def with_normalizer(self, normalizer):
        """This tokenizer with texts written in one way before all else.

        Args:
            normalizer: `TextNormalizer`.

        Returns:
            A new `Tokenizer`; its own normalisation comes after.

        >>> from semmatch.tokenizers import TextNormalizer
        >>> plain = Tokenizer.train(["app打不开"])
        >>> plain.with_normalizer(TextNormalizer()).normalize("ＡＰＰ")
        'app'
        """
        rust = tokenizers.Tokenizer.from_str(self._rust.to_str())
        steps = [normalizer.rust()]
        if rust.normalizer is not None:
            steps.append(rust.normalizer)
        rust.normalizer = tokenizers.normalizers.Sequence(steps)
        return type(self)(rust.to_str(), pad_token=self.pad_token)

    def normalize(self, text):
        """A text as it is before it is cut into tokens."""
        normalizer = self._rust.normalizer
        return text if normalizer is None else normalizer.normalize_str(text)

    def tokenize(self, texts):
        """Ids of texts, without special tokens.

        Args:
            texts: list of strings.

        Returns:
            A list of lists of ints.

        Raises:
            TypeError: if a text is no string.
            ValueError: if a text has a lone surrogate, which no encoding
                can hold.
        """
        for position, text in enumerate(texts):
            check_text(text, f"text {position}")
        encodings = self._rust.encode_batch_fast(
            texts, add_special_tokens=False
        )
        return [encoding.ids for encoding in encodings]

    def token(self, token_id):
        """The token of an id, None if there is none."""
        return self._rust.id_to_token(token_id)

    def to_json(self):
        """The content of a `tokenizer.json` that gives this tokenizer."""
        record = json.loads(self._rust.to_str())
        # The only place of the file that names the pad token.
        record["padding"] = {
            "strategy": "BatchLongest",
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": self.pad_id,
            "pad_type_id": 0,
            "pad_token": self.pad_token,
        }
        return json.dumps(record, ensure_ascii=False)

    def save(self, folder):
        """Writes `tokenizer.json` into a folder."""
        path = Path(folder) / TOKENIZER_FILE
        temporary = path.with_suffix(".tmp")
        temporary.write_text(self.to_json(), encoding="utf-8")
        os.replace(temporary, path)

    def _find_pad_token(self, wanted):
        for token in (wanted,) if wanted else _PAD_TOKENS:
            if self._rust.token_to_id(token) is not None:
                return token
        raise ValueError(
            "The tokenizer has no pad token: looked for "
            f"{wanted or ' and '.join(_PAD_TOKENS)}. Name one of its tokens by "
            "`pad_token`, or in tokenizer_config.json."
        )

    def __eq__(self, other):
        return isinstance(other, Tokenizer) and (
            self.to_json() == other.to_json()
        )

    def __hash__(self):
        return hash(self.to_json())

    def __reduce__(self):
        return type(self), (self.to_json(),)


def _unknown_id(model, vocabulary):
    """Unigram models name the id, the others the token."""
    if "unk_id" in model:
        return model["unk_id"]
    return vocabulary.get(model.get("unk_token"))
