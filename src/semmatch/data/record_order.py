"""Which batch of a dataset of records comes next."""

from semmatch.data.content_hash import content_hash

# Batches whose pairs are sorted together by length, as by `pair_dataset`.
BATCHES_PER_CHUNK = 64


class RecordOrder:
    """The batches of a dataset of records, counted over all epochs from 0.

    `dataset.batch_order` of `record_dataset`, as `BatchOrder` is that of
    `pair_dataset`: an iteration gives the next `num_batches` batches, those
    that are left of an epoch and then the first of the next one. Batches
    that are passed over in an epoch are read and not packed; tokenised are
    those alone that are sorted together with the first one.

    Args:
        reader: `RecordReader`.
        packer: `RecordPacker`.
        seed: int, of the shuffled order.

    Attributes:
        num_rows: int, pairs of an epoch.
        batch_size: int.
        num_batches: int, batches of an epoch.
        next_batch: int, where the next iteration begins; may be set.
        seed: int; may be set between iterations.
        drawn_seed: bool, whether nobody chose the seed.
    """

    def __init__(self, reader, packer, seed):
        self.reader = reader
        self.packer = packer
        self.seed = seed
        self.num_rows = reader.manifest.num_pairs
        self.batch_size = packer.batch_size
        self.num_batches = -(-self.num_rows // self.batch_size)
        self.next_batch = 0
        self.drawn_seed = False

    def take(self):
        """The chunks of an iteration, and a step to the one after it.

        Yields:
            The arguments of `RecordPacker.arrange`.
        """
        epoch, passed = divmod(self.next_batch, self.num_batches)
        self.next_batch += self.num_batches
        yield from self._chunks(epoch, passed, self.num_batches)
        if passed:
            yield from self._chunks(epoch + 1, 0, passed)

    def examples(self, batch):
        """What stands in one batch, a dict of texts and a label for each row.

        Args:
            batch: int, its number, counted over all epochs.
        """
        epoch, place = divmod(batch, self.num_batches)
        places, key, serialized = next(self._chunks(epoch, place, place + 1))
        return self.packer.examples(places[0], key, serialized)

    def describe(self):
        """What data these are, as a dict of JSON values."""
        manifest = self.reader.manifest
        return {
            "rows": manifest.num_pairs,
            "batch_size": self.packer.batch_size,
            "order": "shuffle" if self.packer.shuffle else "as written",
            "sha256": content_hash(
                [shard["sha256"] for shard in manifest.shards]
            ),
            "seed": self.seed,
        }

    def _chunks(self, epoch, first, end):
        """The chunks that hold the batches from `first` to before `end`."""
        start = first // BATCHES_PER_CHUNK
        last = (end - 1) // BATCHES_PER_CHUNK
        size = self.packer.batch_size * BATCHES_PER_CHUNK
        chunks = self.reader.chunks(
            size,
            [self.seed, epoch] if self.packer.shuffle else None,
            start=start,
        )
        numbers = range(start, last + 1)
        for number, serialized in zip(numbers, chunks, strict=False):
            self.reader.check_chunk(serialized, number, size)
            before = number * BATCHES_PER_CHUNK
            places = [
                max(first - before, 0),
                min(end - before, BATCHES_PER_CHUNK),
            ]
            yield places, [self.seed, epoch, number], serialized
