"""Writes pairs as sharded records, however many there are."""

import os
import tempfile
from concurrent.futures import as_completed
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from semmatch._checks import check_positive_int
from semmatch._checks import check_seed
from semmatch._folders import writing_folder
from semmatch._saved_folder import file_digest
from semmatch.data.open_files import check_open_files
from semmatch.data.pair_stream import PairStream
from semmatch.data.record_examples import id_examples
from semmatch.data.record_examples import label_features
from semmatch.data.record_examples import text_examples
from semmatch.data.record_manifest import RecordManifest
from semmatch.data.record_spill import spill_pairs
from semmatch.data.record_spill import SpilledPairs
from semmatch.data.records import Pairs
from semmatch.data.token_fingerprint import token_fingerprint

COMPRESSION = "GZIP"

# As fast as level 1, and a twentieth smaller; more takes more time than it
# saves.
_LEVEL = 3

# Pairs that are tokenised at once.
_PAIRS = 2048


def write_records(
    source,
    folder,
    *,
    preprocessor=None,
    num_shards=64,
    seed=0,
    num_threads=None,
):
    """Writes pairs as compressed TFRecord files, for `record_dataset`.

    The pairs are read once, as a stream, and never stand in memory together:
    they are parted into files, one for each shard, of which each thread then
    has one in memory while it writes the shard. The folder appears when it is
    complete, and not at all if anything fails.

    Without a preprocessor the records hold texts, which any model reads;
    reading tokenises them. With one they hold the token ids of the texts,
    neither cut nor packed: reading costs a fifth, any `sequence_length` and
    truncation may come later, but the tokenizer and the prompts must stay.

    Args:
        source: `PairStream`; or a path, as of `read_pairs`; or `Pairs`; or an
            iterable of `(text_a, text_b)` or `(text_a, text_b, label)`, such
            as a generator.
        folder: path of a folder that is new or empty.
        preprocessor: the model's (`model.preprocessor`), to store token ids;
            None to store texts.
        num_shards: int, the most files. One is in memory as a whole while it
            is written. Fewer than sixteen leave an epoch much like the one
            before: what is read from the same files is sorted together.
        seed: int from 0, of the order in which the pairs are written, which
            makes what is read one after another a random part of the whole;
            None keeps the order of the source, for evaluation.
        num_threads: int, shards that are written at once; None for the
            number of processors.

    Returns:
        `RecordManifest`: counts, also of skipped rows, and hashes.

    Raises:
        FileExistsError: if the folder is not empty.
        ValueError: for a bad pair, with its place, and for none at all.

    >>> with tempfile.TemporaryDirectory() as root:
    ...     write_records([("怎么还款", "如何还款", 1)], f"{root}/records")
    RecordManifest(1 pairs as texts, 1 shards, ... bytes, 0 rows skipped)
    """
    check_positive_int(num_shards, "num_shards")
    check_open_files(num_shards, f"`write_records` of num_shards={num_shards}")
    seed = check_seed(seed, optional=True)
    num_threads = os.cpu_count() if num_threads is None else num_threads
    check_positive_int(num_threads, "num_threads")
    _check_empty(folder)
    stream = _as_stream(source)
    tokenizer = None
    if preprocessor is not None:
        tokenizer = token_fingerprint(preprocessor)
    with writing_folder(folder) as temporary:
        with tempfile.TemporaryDirectory(dir=temporary) as spilled:
            spill = spill_pairs(stream, spilled, num_shards, seed)
            shards = _write_shards(
                spill, temporary, preprocessor, seed, num_threads
            )
        manifest = RecordManifest(
            num_pairs=spill.num_pairs,
            label=spill.label,
            seed=seed,
            tokenizer=tokenizer,
            num_skipped=_num_skipped(source, stream),
            shards=shards,
        )
        manifest.save(temporary)
        # Somebody else may have written it in the meantime.
        _check_empty(folder)
    return manifest


def _as_stream(source):
    if isinstance(source, PairStream):
        return source
    if isinstance(source, (str, os.PathLike)):
        return PairStream(source)
    return PairStream.of(source)


def _num_skipped(source, stream):
    # Of `Pairs` the reader has skipped them before.
    if isinstance(source, Pairs):
        return len(source.skipped)
    return stream.num_skipped


def _check_empty(folder):
    folder = Path(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(
            f"`folder` must be new or empty. {folder} holds "
            f"{', '.join(sorted(p.name for p in folder.iterdir())[:3])}, … "
            "Remove it, or pass another one."
        )


def _write_shards(spill, folder, preprocessor, seed, num_threads):
    """Writes all shards; the description of each, in their order."""
    num_shards = len(spill.files)

    def write(number):
        # In the order of names they come before the manifest, which must be
        # the last to be moved into place.
        name = f"data-{number:05}-of-{num_shards:05}.tfrecord.gz"
        file = spill.files[number]
        pairs = SpilledPairs(file)
        order = np.arange(len(pairs))
        if seed is not None:
            order = np.random.default_rng([seed, number]).permutation(order)
        _write_shard(pairs, order, folder / name, preprocessor, spill.label)
        file.unlink()
        digest = file_digest(folder / name)
        return {"name": name, "num_pairs": len(pairs), **digest}

    with (
        ThreadPoolExecutor(num_threads) as pool,
        tqdm(
            total=spill.num_pairs,
            desc="writing",
            unit=" pairs",
            delay=2,
            disable=None,
        ) as progress,
    ):
        shards = [pool.submit(write, number) for number in range(num_shards)]
        try:
            for shard in as_completed(shards):
                progress.update(shard.result()["num_pairs"])
        finally:
            pool.shutdown(cancel_futures=True)
    return [shard.result() for shard in shards]


def _write_shard(pairs, order, path, preprocessor, label):
    import tensorflow as tf

    dtype = None if label is None else label["dtype"]
    options = tf.io.TFRecordOptions(COMPRESSION, compression_level=_LEVEL)
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for start in range(0, len(order), _PAIRS):
            *texts, labels = pairs.columns(order[start : start + _PAIRS])
            labels = label_features(labels, dtype)
            if preprocessor is None:
                examples = text_examples(*texts, labels)
            else:
                decoded = (
                    [text.decode() for text in column] for column in texts
                )
                examples = id_examples(preprocessor.tokenize(*decoded), labels)
            for example in examples:
                writer.write(example)
