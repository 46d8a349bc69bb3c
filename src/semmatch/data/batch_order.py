"""Which rows each batch of a dataset has, and which batch comes next."""

import dataclasses
from collections.abc import Callable

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.data.content_hash import content_hash


@dataclasses.dataclass(frozen=True)
class BatchSource:
    """What batches are made of, for what looks at the data of a training.

    Attributes:
        examples: function from row numbers to a list of dicts, one for each
            row, of texts and numbers.
        contents: nested lists and dicts of strings and arrays, all that the
            batches hold.
        settings: dict of JSON values, how rows become batches.
    """

    examples: Callable
    contents: object
    settings: dict


class BatchOrder:
    """The batches of a dataset, counted over all epochs from 0.

    `dataset.batch_order` of a dataset of `pair_dataset`, `triplet_dataset`
    or `distillation_dataset`. An iteration of the dataset gives the next
    `num_batches` batches. Usually it begins with an epoch; where it does not,
    since `next_batch` was set, it gives the rest of that epoch and then the
    beginning of the next one. Batches that are passed over are not packed.

    Args:
        columns: function from a seed and the number of an epoch to a list of
            int64 arrays `(num_rows, ...)`, numbers of rows first.
        num_rows: int, rows of an epoch.
        batch_size: int.
        seed: int or None, what `columns` gets.
        shapes: tuple of tuples, of a row in each of the columns.
        source: `BatchSource`.

    Attributes:
        num_batches: int, batches of an epoch.
        next_batch: int, where the next iteration begins; may be set.
        seed: int or None; may be set between iterations.
        drawn_seed: bool, whether nobody chose the seed.

    >>> def columns(seed, epoch):
    ...     return [np.arange(5) + 10 * epoch]
    >>> source = BatchSource(lambda rows: [], [], {})
    >>> order = BatchOrder(columns, 5, 2, source=source)
    >>> order.num_batches, order.rows(4)[0].tolist()
    (3, [12, 13])
    """

    def __init__(
        self, columns, num_rows, batch_size, seed=None, *, shapes=((),), source
    ):
        self.columns = columns
        self.num_rows = num_rows
        self.batch_size = check_positive_int(batch_size, "batch_size")
        self.seed = seed
        self.shapes = shapes
        self.source = source
        self.num_batches = -(-num_rows // self.batch_size)
        self.next_batch = 0
        self.drawn_seed = False
        self._description = None

    def take(self):
        """The rows of an iteration, and a step to the one after it.

        Returns:
            A list of int64 arrays `(num_batches * batch_size, ...)`: in each
            batch that is not full, numbers of rows are -1 at its end.
        """
        epoch, passed = divmod(self.next_batch, self.num_batches)
        self.next_batch += self.num_batches
        found = self._full_batches(epoch)
        if not passed:
            return found
        start = passed * self.batch_size
        after = self._full_batches(epoch + 1)
        return [
            np.concatenate([column[start:], later[:start]])
            for column, later in zip(found, after, strict=True)
        ]

    def rows(self, batch):
        """The rows of one batch.

        Args:
            batch: int, its number, counted over all epochs.

        Returns:
            A list of int64 arrays `(batch_size or less, ...)`.
        """
        epoch, place = divmod(batch, self.num_batches)
        start = place * self.batch_size
        return [
            column[start : start + self.batch_size]
            for column in self.columns(self.seed, epoch)
        ]

    def examples(self, batch):
        """What stands in one batch, a dict of texts and numbers for each row.

        Args:
            batch: int, its number, counted over all epochs.
        """
        rows = self.rows(batch)[0]
        found = self.source.examples(rows)
        return [
            {"row": int(row), **example}
            for row, example in zip(rows, found, strict=True)
        ]

    def describe(self):
        """What data these are, as a dict of JSON values.

        `rows`, `batch_size`, `seed`, the SHA-256 of all that the batches
        hold, and the settings of the source.
        """
        if self._description is None:
            self._description = {
                "rows": self.num_rows,
                "batch_size": self.batch_size,
                **self.source.settings,
                "sha256": content_hash(self.source.contents),
            }
        return {**self._description, "seed": self.seed}

    def _full_batches(self, epoch):
        missing = self.num_batches * self.batch_size - self.num_rows
        return [
            np.concatenate(
                [column, np.full((missing, *column.shape[1:]), -1)]
            ).astype("int64")
            for column in self.columns(self.seed, epoch)
        ]
