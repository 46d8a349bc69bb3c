"""The pairs of a folder of records as they stand in its files."""

from pathlib import Path

import numpy as np

from semmatch.data.open_files import check_open_files
from semmatch.data.record_manifest import RecordManifest
from semmatch.data.record_writer import COMPRESSION

# Files that are read by turns, and pairs of each turn: what is sorted
# together comes from all of them.
_FILES = 16
_TURN = 128


def _files_by_turns(count):
    return max(1, min(_FILES, count // 4))


class RecordReader:
    """Reads serialised pairs, a chunk of them at a time.

    Args:
        folder: path, as of `write_records`.

    Attributes:
        manifest: `RecordManifest`, with which all files agree.

    Raises:
        FileNotFoundError, ValueError: as `RecordManifest.load`.
    """

    def __init__(self, folder):
        self.folder = folder
        self.manifest = RecordManifest.load(folder)
        self._paths = [
            str(Path(folder) / shard["name"]) for shard in self.manifest.shards
        ]

    def chunks(self, size, seed, *, start=0):
        """All pairs in a fixed order.

        Args:
            size: int, pairs of a chunk; the last may have fewer.
            seed: list of ints, of the order of files; None for the order in
                which the pairs were written.
            start: int, the first chunk. Those before are read and passed
                over.

        Yields:
            Arrays of bytes `(n,)`.
        """
        import tensorflow as tf

        paths = np.array(self._paths)
        if seed is not None:
            paths = np.random.default_rng(seed).permutation(paths)
        # Pairs were dealt out to the files in turn, one to each.
        in_turn = self.manifest.seed is None
        # A quarter at most, else each epoch would read the same together.
        num_files = len(paths) if in_turn else _files_by_turns(len(paths))
        turn = 1 if in_turn else _TURN
        check_open_files(num_files, f"Reading {self.folder}")

        def read(path):
            records = tf.data.TFRecordDataset(path, COMPRESSION)
            return records.batch(turn)

        options = tf.data.Options()
        options.autotune.enabled = False
        chunks = (
            tf.data.Dataset.from_tensor_slices(paths)
            .interleave(
                read,
                cycle_length=num_files,
                num_parallel_calls=min(2, num_files),
                deterministic=True,
            )
            .rebatch(size)
            .skip(start)
            .prefetch(1)
            .with_options(options)
        )
        try:
            yield from chunks.as_numpy_iterator()
        except tf.errors.DataLossError as error:
            raise ValueError(
                f"A file of {self.folder} is damaged: {error.message}. Write "
                "the records again."
            ) from error

    def check_chunk(self, serialized, number, size):
        """Raises unless a chunk has as many pairs as the manifest says.

        Args:
            serialized: array of bytes `(n,)`.
            number: int, of the chunk.
            size: int, pairs of a chunk.
        """
        expected = min(size, self.manifest.num_pairs - number * size)
        if len(serialized) != expected:
            raise ValueError(
                f"{self.folder} has chunk {number} of {len(serialized)} pairs "
                f"instead of {expected}. Write the records again."
            )
