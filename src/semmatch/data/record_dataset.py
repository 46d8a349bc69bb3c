"""From folders of records to batches that a model trains on."""

from pathlib import Path

from semmatch._checks import check_positive_int
from semmatch._checks import check_seed
from semmatch.data.pair_dataset import check_classes
from semmatch.data.record_manifest import MANIFEST_FILE
from semmatch.data.record_order import RecordOrder
from semmatch.data.record_packer import RecordPacker
from semmatch.data.record_reader import RecordReader
from semmatch.data.token_fingerprint import token_fingerprint

# Pairs that are looked at for what of them is lost.
_SAMPLE = 10_000


def record_dataset(
    folder, preprocessor, *, batch_size=64, shuffle=False, seed=0
):
    """Builds a `tf.data.Dataset` of packed batches from `write_records`.

    Batches are those of `pair_dataset`, in another order. With `shuffle` the
    files come in random order, 16 of them by turns, and of the pairs that
    would make 64 batches those of similar length share one; the order is a
    function of the seed and of how often the dataset was iterated before.
    `dataset.batch_order` knows where it is, and `next_batch` of it may be
    set, to go on in the middle of an epoch.

    Of several workers under `tf.distribute` each reads all files and trains
    on its part of each batch (`AutoShardPolicy.DATA`), so that batches are
    those of one worker.

    Args:
        folder: path, as of `write_records`.
        preprocessor: the model's (`model.preprocessor`); of stored token ids
            the one that they were written by, though with any
            `sequence_length` and truncation.
        batch_size: int, pairs in a batch; the last may hold fewer.
        shuffle: bool; without it pairs stay in the order in which they were
            written, that of the source with `write_records(seed=None)`.
        seed: int from 0, fixes the shuffled order.

    Returns:
        A dataset of `(features, labels)`, or of `(features,)`, as of
        `pair_dataset`.

    Raises:
        FileNotFoundError: if the folder or one of its files is missing.
        ValueError: if a file was cut or changed, for the token ids of
            another tokenizer, and for `shuffle` of records that keep the
            order of their source.

    Warns of pairs that are cut and of unknown tokens, by the first 10,000.

    >>> import tempfile
    >>> from semmatch.data import load_faq, write_records
    >>> from semmatch.models import CrossEncoderPreprocessor
    >>> pairs = load_faq("zh").pairs("valid")
    >>> texts = pairs.text_a + pairs.text_b
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(texts)
    >>> with tempfile.TemporaryDirectory() as root:
    ...     manifest = write_records(pairs, f"{root}/valid")
    ...     dataset = record_dataset(f"{root}/valid", preprocessor)
    ...     features, labels = next(iter(dataset))
    >>> labels.shape
    TensorShape([64])
    """
    # Here, so that readers work where only the serving packages are.
    import tensorflow as tf

    batch_size = check_positive_int(batch_size, "batch_size")
    seed = check_seed(seed)
    reader = RecordReader(folder)
    _check_tokenizer(reader.manifest, preprocessor, folder)
    if shuffle:
        _check_shuffle(reader.manifest, folder)
    packer = RecordPacker(preprocessor, reader.manifest, batch_size, shuffle)
    sample = next(reader.chunks(_SAMPLE, None))
    preprocessor.warn_of_loss(*packer.ids(sample))
    order = RecordOrder(reader, packer, seed)
    options = tf.data.Options()
    # As of `pair_dataset`.
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    dataset = (
        tf.data.Dataset.from_generator(
            order.take,
            output_signature=(
                tf.TensorSpec((2,), tf.int64),
                tf.TensorSpec((3,), tf.int64),
                tf.TensorSpec((None,), tf.string),
            ),
        )
        .map(packer.arrange, num_parallel_calls=2)
        .prefetch(1)
        .flat_map(packer.batches)
        .prefetch(4)
        .apply(tf.data.experimental.assert_cardinality(order.num_batches))
        .with_options(options)
    )
    dataset.batch_order = order
    return dataset


def _check_tokenizer(manifest, preprocessor, folder):
    if manifest.tokenizer not in (None, token_fingerprint(preprocessor)):
        raise ValueError(
            f"{folder} has the token ids of another tokenizer, or of other "
            "prompts, than those of `preprocessor`. Pass that of the model "
            "that they were written for, or write them again: "
            "`write_records(..., preprocessor=...)`, or without one for texts "
            "that any model reads."
        )


def _check_shuffle(manifest, folder):
    if manifest.seed is None:
        raise ValueError(
            f"{Path(folder) / MANIFEST_FILE} says that the records keep the "
            "order of their source, and `shuffle` mixes neighbours alone. "
            "Write those to train on with a seed: `write_records(..., "
            "seed=0)`."
        )
    if manifest.label is not None:
        check_classes(
            manifest.label["minimum"],
            manifest.label["maximum"],
            manifest.num_pairs,
        )
