"""From the ids of single texts to the arrays that an encoder reads."""

import warnings

import numpy as np

from semmatch.tokenizers.packing import FEW_TOKENS
from semmatch.tokenizers.packing import Loss
from semmatch.tokenizers.packing import unknown_message
from semmatch.tokenizers.rows import fill_template
from semmatch.tokenizers.rows import MULTIPLE
from semmatch.tokenizers.rows import padded_lengths


class TextPacker:
    """Puts each text with its special tokens into a row.

    What is too long is cut at its end; special tokens are never cut.

    Args:
        tokenizer: `Tokenizer`.
        sequence_length: int, the most tokens of a row, special ones included.
        multiple: int, the length of a batch is rounded up to a multiple of it.

    >>> from semmatch.tokenizers import Tokenizer
    >>> packer = TextPacker(Tokenizer.train(["还款"]), 16)
    >>> features = packer.pack_ids(packer.tokenize(["还款", "还"]))
    >>> features["padding_mask"].tolist()
    [[1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0]]
    """

    def __init__(self, tokenizer, sequence_length, *, multiple=MULTIPLE):
        self._num_special = sum(len(part.ids) for part in tokenizer.single)
        if sequence_length < self._num_special + 1:
            raise ValueError(
                f"`sequence_length` must be at least {self._num_special + 1}: "
                f"a text has {self._num_special} special tokens and needs one. "
                f"Received: sequence_length={sequence_length}."
            )
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.multiple = multiple
        self._warned = set()

    def tokenize(self, texts, prompt=""):
        """Ids of texts with the prompt before each.

        Args:
            texts: list of strings.
            prompt: string, such as `"query: "`.

        Returns:
            A list of lists of ints, without special tokens.
        """
        if prompt:
            texts = [prompt + text for text in texts]
        return self.tokenizer.tokenize(texts)

    def pack_ids(self, ids):
        """Packs texts that are token ids already.

        Args:
            ids: list of lists of ints, without special tokens.

        Returns:
            A dict of int32 `(batch, length)`: `token_ids`, `padding_mask` (1
            for a real token) and `segment_ids`; the length is that of the
            longest row, rounded up to `multiple` but not above
            `sequence_length`.
        """
        lengths = self.lengths(ids)
        length = int(self.padded_lengths(lengths).max(initial=0))
        return fill_template(
            self.tokenizer.single,
            {"A": ids},
            {"A": lengths - self._num_special},
            (len(ids), length),
            self.tokenizer.pad_id,
        )

    def lengths(self, ids):
        """Tokens of each packed text, int64 `(batch,)`, specials included."""
        lengths = np.array([len(row) for row in ids], "int64")
        return np.minimum(lengths + self._num_special, self.sequence_length)

    def padded_lengths(self, lengths):
        """Columns that rows of `lengths` take when packed alone, int64."""
        return padded_lengths(lengths, self.sequence_length, self.multiple)

    def loss(self, ids):
        """Counts what is cut or unknown, of texts where `Loss` has pairs.

        Args:
            ids: list of lists of ints, as of `pack_ids`.
        """
        room = self.sequence_length - self._num_special
        unknown = self.tokenizer.unknown_id
        return Loss(
            len(ids),
            sum(len(row) > room for row in ids),
            sum(map(len, ids)),
            sum(row.count(unknown) for row in ids),
        )

    def warn_of(self, loss):
        """Warns of what is lost, of each kind once for this object.

        Args:
            loss: `Loss`, as `loss` counts it.
        """
        if loss.cut and "cut" not in self._warned:
            self._warned.add("cut")
            warnings.warn(
                f"{loss.cut:,} of {loss.pairs:,} texts "
                f"({loss.cut / loss.pairs:.1%}) have more than "
                f"`sequence_length` = {self.sequence_length} tokens: their "
                "end is left out.",
                stacklevel=2,
            )
        message = unknown_message(loss.unknown / max(1, loss.tokens))
        few = loss.tokens < FEW_TOKENS
        if message and not few and "unknown" not in self._warned:
            self._warned.add("unknown")
            warnings.warn(message, stacklevel=2)
