"""From the ids of texts to the arrays that an encoder reads."""

import itertools
import warnings
from typing import NamedTuple

import numpy as np

from semmatch._checks import check_one_of
from semmatch.tokenizers.rows import fill_template
from semmatch.tokenizers.rows import MULTIPLE
from semmatch.tokenizers.rows import padded_lengths

TRUNCATIONS = ("longest_first", "only_second")

# A share of unknown tokens that well-written text does not reach, and how many
# tokens it takes to tell.
_MANY_UNKNOWN = 0.02
FEW_TOKENS = 1000


class Loss(NamedTuple):
    """What of some pairs a model does not get to read.

    Attributes:
        pairs: int.
        cut: int, pairs that are too long.
        tokens: int, of all texts.
        unknown: int, tokens that stand for what the vocabulary lacks.
    """

    pairs: int = 0
    cut: int = 0
    tokens: int = 0
    unknown: int = 0

    def __add__(self, other):  # type: ignore[override]
        return Loss(*map(sum, zip(self, other, strict=True)))


class Packer:
    """Puts texts and special tokens into padded arrays.

    Truncation is that of Hugging Face's Rust library; special tokens are
    never cut.

    Args:
        tokenizer: `Tokenizer`.
        sequence_length: int, the most tokens of a row, special ones included.
        truncation: `"longest_first"` cuts the longer text first,
            `"only_second"` the second text alone; where that is not enough,
            the first text too, at its end.
        multiple: int, the length of a batch is rounded up to a multiple of it.

    >>> from semmatch.tokenizers import Tokenizer
    >>> packer = Packer(Tokenizer.train(["还款"]), 16)
    >>> packed = packer.pack(["还款"], ["还"])
    >>> packed["padding_mask"].tolist()
    [[1, 1, 1, 1, 1, 1, 0, 0]]
    >>> packed["segment_ids"].tolist()
    [[0, 0, 0, 0, 1, 1, 0, 0]]
    """

    def __init__(
        self,
        tokenizer,
        sequence_length,
        *,
        truncation="longest_first",
        multiple=MULTIPLE,
    ):
        check_one_of(truncation, TRUNCATIONS, "truncation")
        special = sum(len(part.ids) for part in tokenizer.pair)
        if sequence_length < special + 2:
            raise ValueError(
                f"`sequence_length` must be at least {special + 2}: a pair "
                f"has {special} special tokens and each text needs one. "
                f"Received: sequence_length={sequence_length}."
            )
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.truncation = truncation
        self.multiple = multiple
        self._warned = set()

    def pack(self, text_a, text_b):
        """Tokenises and packs pairs of texts.

        Args:
            text_a: list of strings.
            text_b: list of strings, as many.

        Returns:
            As `pack_ids`.
        """
        if len(text_a) != len(text_b):
            raise ValueError(
                "Each first text needs a second one. Received: "
                f"{len(text_a)} and {len(text_b)} texts."
            )
        ids = self.tokenizer.tokenize([*text_a, *text_b])
        return self.pack_ids(ids[: len(text_a)], ids[len(text_a) :])

    def pack_ids(self, ids_a, ids_b):
        """Packs pairs of texts that are token ids already.

        Args:
            ids_a: list of lists of ints, without special tokens.
            ids_b: list of lists of ints, as many.

        Returns:
            A dict of int32 `(batch, length)`: `token_ids`, `padding_mask` (1
            for a real token) and `segment_ids`; the length is that of the
            longest row, rounded up to `multiple` but not above
            `sequence_length`. No rows give arrays of shape `(0, 0)`.
        """
        kept = dict(zip("AB", self._kept(ids_a, ids_b), strict=True))
        lengths = self.lengths(ids_a, ids_b)
        length = int(self.padded_lengths(lengths).max(initial=0))
        return fill_template(
            self.tokenizer.pair,
            {"A": ids_a, "B": ids_b},
            kept,
            (len(lengths), length),
            self.tokenizer.pad_id,
        )

    def lengths(self, ids_a, ids_b):
        """Tokens of each packed pair, int64 `(batch,)`, specials included."""
        kept_a, kept_b = self._kept(ids_a, ids_b)
        return kept_a + kept_b + self._num_special()

    def padded_lengths(self, lengths):
        """Columns that rows of `lengths` take when packed alone, int64."""
        return padded_lengths(lengths, self.sequence_length, self.multiple)

    def windows(self, ids_a, ids_b):
        """A second text that does not fit, in parts that do.

        Args:
            ids_a: list of ints, the first text.
            ids_b: list of ints, the second one.

        Returns:
            A list of lists of ints: parts of `ids_b` that overlap by half,
            the last one with its end; `[ids_b]` if it fits.
        """
        room = self.sequence_length - self._num_special()
        # Of an odd room the longer text, here the first one, has the odd token.
        half = (room + 1) // 2
        most = half if self.truncation == "longest_first" else room
        size = room - min(len(ids_a), most)
        if len(ids_b) <= size or size == 0:
            return [ids_b]
        last = len(ids_b) - size
        starts = [*range(0, last, max(1, size // 2)), last]
        return [ids_b[start : start + size] for start in starts]

    def cut(self, ids_a, ids_b):
        """Pairs without what does not fit.

        Args:
            ids_a: list of lists of ints.
            ids_b: list of lists of ints, as many.

        Returns:
            Two lists of lists of ints.
        """
        kept_a, kept_b = self._kept(ids_a, ids_b)
        return (
            [ids[:kept] for ids, kept in zip(ids_a, kept_a, strict=True)],
            [ids[:kept] for ids, kept in zip(ids_b, kept_b, strict=True)],
        )

    def loss(self, ids_a, ids_b, *, windows=False):
        """Counts what is cut or unknown, see `Loss`.

        Args:
            ids_a: list of lists of ints.
            ids_b: list of lists of ints, as many.
            windows: bool, whether second texts are read in `windows`.
        """
        a = np.array([len(ids) for ids in ids_a], "int64")
        b = np.array([len(ids) for ids in ids_b], "int64")
        kept_a, kept_b = self._kept(ids_a, ids_b)
        cut = (kept_a < a) | ((kept_b < b) & (not windows))
        unknown = self.tokenizer.unknown_id
        return Loss(
            len(a),
            int(cut.sum()),
            int(a.sum() + b.sum()),
            sum(ids.count(unknown) for ids in itertools.chain(ids_a, ids_b)),
        )

    def warn_of(self, loss):
        """Warns of what is lost, of each kind once for this object.

        Args:
            loss: `Loss`.
        """
        if loss.cut and "cut" not in self._warned:
            self._warned.add("cut")
            end = (
                "the end of the second text is"
                if self.truncation == "only_second"
                else "the end of the longer text is"
            )
            warnings.warn(
                f"{loss.cut:,} of {loss.pairs:,} pairs "
                f"({loss.cut / loss.pairs:.1%}) have more than "
                f"`sequence_length` = {self.sequence_length} tokens: {end} "
                "left out. `pairs.report(preprocessor=...)` shows lengths; a "
                "longer `sequence_length` or `Scoring(long='max')` keeps it.",
                stacklevel=2,
            )
        message = unknown_message(loss.unknown / max(1, loss.tokens))
        few = loss.tokens < FEW_TOKENS
        if message and not few and "unknown" not in self._warned:
            self._warned.add("unknown")
            warnings.warn(message, stacklevel=2)

    def _num_special(self):
        return sum(len(part.ids) for part in self.tokenizer.pair)

    def _kept(self, ids_a, ids_b):
        """How many tokens of each text remain, two int64 `(batch,)`."""
        a = np.array([len(ids) for ids in ids_a], "int64")
        b = np.array([len(ids) for ids in ids_b], "int64")
        room = self.sequence_length - self._num_special()
        if self.truncation == "only_second":
            a = np.minimum(a, room)
            return a, np.minimum(b, room - a)
        # As `truncate_encodings` of the Rust library: the shorter text is
        # kept whole as long as it fits in half of the room.
        shorter, longer = np.minimum(a, b), np.maximum(a, b)
        fits = shorter + longer <= room
        cut_longer = np.maximum(shorter, room - shorter)
        halves = shorter + cut_longer > room
        new_shorter = np.where(halves, room // 2, shorter)
        new_longer = np.where(halves, room // 2 + room % 2, cut_longer)
        first_is_longer = a > b
        new_a = np.where(first_is_longer, new_longer, new_shorter)
        new_b = np.where(first_is_longer, new_shorter, new_longer)
        return np.where(fits, a, new_a), np.where(fits, b, new_b)


def unknown_message(share):
    """A sentence on unknown tokens where their share is high, else None.

    >>> unknown_message(0.01) is None
    True
    """
    if share <= _MANY_UNKNOWN:
        return None
    return (
        f"{share:.1%} of the tokens are unknown to the tokenizer: the model "
        "cannot tell them apart. Most often the text is not written as the "
        "vocabulary has it (upper case, wide letters, curly quotes), see "
        "`TextNormalizer`."
    )
