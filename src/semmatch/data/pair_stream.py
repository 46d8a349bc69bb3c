"""Pairs that are read one by one and never held together."""

import os
import warnings

from semmatch._checks import check_one_of
from semmatch.data.pair_rows import open_rows
from semmatch.data.pair_rows import rows_of_pairs
from semmatch.data.pair_rows import skipped_message
from semmatch.data.pair_rows import usable_pairs
from semmatch.data.readers import ON_ERROR
from semmatch.data.records import Pairs

# Skipped rows whose places are kept; the others are counted.
_KEPT = 1000


class PairStream:
    """The pairs of files, read anew whenever it is iterated.

    It takes the files that `read_pairs` takes, one or several, and gives
    `(text_a, text_b, label)`, labels as floats, None where there are none.

    Args:
        path: as of `read_pairs`, or a list of such paths, whose pairs follow
            each other.
        columns: as of `read_pairs`.
        header: as of `read_pairs`.
        on_error: as of `read_pairs`. A warning at the end of an iteration
            counts what was skipped in it.

    Attributes:
        has_label: bool.
        num_skipped: int, rows that the latest iteration left out.
        skipped: list of strings, the first thousand of them, each with its
            file, line and reason.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "pairs.tsv"
    ...     _ = path.write_text("怎么还款\\t如何还款\\t1\\n", encoding="utf-8")
    ...     list(PairStream(path))
    [('怎么还款', '如何还款', 1.0)]

    Raises:
        FileNotFoundError, ImportError, ValueError: as `read_pairs`, for a bad
            row when it is reached; and if some of the files have labels and
            others have none.
    """

    def __init__(self, path, *, columns=None, header=None, on_error="raise"):
        check_one_of(on_error, ON_ERROR, "on_error")
        one = isinstance(path, (str, os.PathLike))
        paths = [path] if one else list(path)
        if not paths:
            raise ValueError("`path` is an empty list: there is no file.")
        self._sources = [open_rows(file, columns, header) for file in paths]
        self._skips = on_error == "skip"
        self._clear()
        unlike = [
            source.name
            for source in self._sources
            if source.has_label != self.has_label
        ]
        if unlike:
            first, other = self._sources[0].name, unlike[0]
            if self.has_label:
                first, other = other, first
            raise ValueError(
                f"All files must have labels, or none. {other} has labels, "
                f"and {first} has none."
            )

    @classmethod
    def of(cls, pairs):
        """A stream of pairs that come from elsewhere.

        Args:
            pairs: `Pairs`, or an iterable of `(text_a, text_b)` or `(text_a,
                text_b, label)`, such as a generator, which is read once.

        >>> list(PairStream.of([("怎么还款", "如何还款")]))
        [('怎么还款', '如何还款', None)]
        """
        if isinstance(pairs, Pairs):
            columns = [pairs.text_a, pairs.text_b]
            if pairs.label is not None:
                columns.append(pairs.label.tolist())
            pairs = list(zip(*columns, strict=True))
        stream = cls.__new__(cls)
        stream._sources = [rows_of_pairs(pairs)]
        stream._skips = False
        stream._clear()
        return stream

    @property
    def has_label(self):
        return self._sources[0].has_label

    @property
    def name(self):
        """What messages call it."""
        name = str(self._sources[0].name)
        more = len(self._sources) - 1
        return f"{name} and {more} more" if more else name

    def __iter__(self):
        self._clear()
        num_pairs = 0
        on_skip = self._skip if self._skips else None
        for source in self._sources:
            for pair in usable_pairs(source, on_skip):
                num_pairs += 1
                yield pair
        if self.num_skipped:
            message = skipped_message(
                self.name,
                self.skipped,
                self.num_skipped,
                num_pairs + self.num_skipped,
                "PairStream.skipped",
            )
            warnings.warn(message, stacklevel=2)
        if not num_pairs:
            raise ValueError(f"{self.name} has no usable rows.")

    def __repr__(self):
        labels = "with labels" if self.has_label else "no labels"
        return f"PairStream({self.name}, {labels})"

    def _clear(self):
        self.num_skipped = 0
        self.skipped = []

    def _skip(self, sentence):
        self.num_skipped += 1
        if len(self.skipped) < _KEPT:
            self.skipped.append(sentence)
