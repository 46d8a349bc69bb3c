"""From chunks of records to the batches that are made of them."""

import itertools

import numpy as np

from semmatch.data.pair_dataset import epoch_order
from semmatch.data.pair_dataset import pair_features_spec
from semmatch.data.record_examples import parse_examples


class RecordPacker:
    """Tokenises and sorts the pairs of a chunk, and packs each batch of it.

    Args:
        preprocessor: as of `record_dataset`.
        manifest: `RecordManifest`.
        batch_size: int.
        shuffle: bool, whether pairs of similar length share a batch.
    """

    def __init__(self, preprocessor, manifest, batch_size, shuffle):
        import tensorflow as tf

        self.preprocessor = preprocessor
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.num_texts = len(preprocessor.tokenize([], []))
        self.stores_ids = manifest.tokenizer is not None
        self.dtype = manifest.label["dtype"] if manifest.label else None
        self.spec = (pair_features_spec(preprocessor),)
        if self.dtype is not None:
            self.spec += (tf.TensorSpec((), self.dtype),)

    def arrange(self, places, key, serialized):
        """A chunk as tensors, its pairs in the order of their batches.

        Args:
            places: int64 tensor `(2,)`, the first batch of the chunk that is
                asked for and the one after the last.
            key: int64 tensor `(3,)`, seed, epoch and number of the chunk.
            serialized: string tensor `(n,)`.

        Returns:
            `places`, where the pairs stood in the chunk, int64 `(n,)`, their
            labels `(n,)`, and for each column of token ids all of them and
            where each pair's begin.
        """
        import tensorflow as tf

        label, *stored = self._parse(serialized)
        order, *ids = tf.numpy_function(
            self._arranged,
            [key, *stored],
            [tf.int64] * (1 + 2 * self.num_texts),
            stateful=False,
        )
        return places, order, tf.gather(label, order), *ids

    def batches(self, places, order, label, *ids):
        """The dataset of the batches of a chunk, as `arrange` gives it."""
        import tensorflow as tf

        def batch(place):
            first = place * self.batch_size
            rows = slice(first, first + self.batch_size)
            # Slices, since a function of Python gets copies of what it gets.
            own = []
            for values, starts in _by_two(ids):
                bounds = starts[first : first + self.batch_size + 1]
                own += [values[bounds[0] : bounds[-1]], bounds - bounds[0]]
            return self._pack(label[rows], *own)

        return tf.data.Dataset.range(places[0], places[1]).map(
            batch, num_parallel_calls=2
        )

    def ids(self, serialized):
        """The token ids of serialised pairs.

        Args:
            serialized: array of bytes `(n,)`.

        Returns:
            A list of columns, as `tokenize` of the preprocessor gives them.
        """
        _, *stored = self._parse(serialized)
        return _lists(self._ids([tensor.numpy() for tensor in stored]))

    def examples(self, place, key, serialized):
        """What stands in one batch of a chunk, a list of dicts.

        Args:
            place: int, of the batch in the chunk.
            key: as of `arrange`.
            serialized: array of bytes `(n,)`.

        Returns:
            Dicts of `text_a` and `text_b`, of stored token ids the tokens
            with spaces between, and `label` if there are labels.
        """
        _, order, label, *ids = self.arrange([0, 0], key, serialized)
        rows = slice(place * self.batch_size, (place + 1) * self.batch_size)
        if self.stores_ids:
            parts = getattr(self.preprocessor, "parts", None)
            student = parts["student"] if parts else self.preprocessor
            token = student.tokenizer.token
            lists = _lists([tensor.numpy() for tensor in ids])
            columns = [
                [" ".join(map(token, own)) for own in column[rows]]
                for column in lists
            ]
        else:
            _, *texts = self._parse(serialized)
            places = order[rows].numpy()
            columns = [_decoded(column.numpy()[places]) for column in texts]
        found = [
            {"text_a": a, "text_b": b}
            for a, b in zip(*columns[:2], strict=True)
        ]
        if self.dtype is not None:
            for example, own in zip(found, label.numpy()[rows], strict=True):
                example["label"] = own.item()
        return found

    def _parse(self, serialized):
        """The labels, and the columns as tensors that numpy can take."""
        import tensorflow as tf

        num_columns = self.num_texts if self.stores_ids else 0
        columns, label = parse_examples(serialized, num_columns, self.dtype)
        return label, *tf.nest.flatten(columns, expand_composites=True)

    def _ids(self, stored):
        if self.stores_ids:
            return stored
        return _flat(self.preprocessor.tokenize(*map(_decoded, stored)))

    def _arranged(self, key, *stored):
        ids = self._ids(stored)
        if not self.shuffle:
            return np.arange(len(ids[1]) - 1), *ids
        seed, epoch, number = map(int, key)
        order = epoch_order(
            self.preprocessor.id_lengths(*_lists(ids)),
            self.batch_size,
            # Another one for each chunk; there are fewer than 2 ** 32.
            (seed << 32) + number + 1,
            epoch,
        )
        return order, *_reordered(ids, order)

    def _pack(self, label, *ids):
        import tensorflow as tf

        parts = tf.nest.flatten(self.spec)
        tensors = tf.numpy_function(
            self._packed,
            [label, *ids],
            [part.dtype for part in parts],
            stateful=False,
        )
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.set_shape((None, *part.shape))
        return tf.nest.pack_sequence_as(self.spec, tensors)

    def _packed(self, label, *ids):
        import tensorflow as tf

        features = self.preprocessor.pack_ids(*_lists(ids))
        return tf.nest.flatten((features, label)[: len(self.spec)])


def _decoded(column):
    return [text.decode() for text in column]


def _flat(columns):
    """For each column all of its ids, and where each row's begin and end."""
    flat = []
    for ids in columns:
        starts = np.cumsum([0, *map(len, ids)], dtype="int64")
        values = np.fromiter(itertools.chain(*ids), "int64", starts[-1])
        flat += [values, starts]
    return flat


def _reordered(flat, order):
    """What `_flat` gave with its rows in another order.

    >>> flat = _flat([[[1, 2], [3], [4, 5]]])
    >>> _lists(_reordered(flat, np.array([2, 0, 1])))
    [[[4, 5], [1, 2], [3]]]
    """
    found = []
    for values, starts in _by_two(flat):
        lengths = np.diff(starts)[order]
        own = np.concatenate([[0], np.cumsum(lengths)])
        # From where a row stands to where it stood.
        moves = np.repeat(starts[order] - own[:-1], lengths)
        found += [values[np.arange(own[-1]) + moves], own]
    return found


def _lists(flat):
    """The columns that `_flat` made flat, lists of lists of ints."""
    columns = []
    for values, starts in _by_two(flat):
        values, starts = values.tolist(), starts.tolist()
        columns.append([values[a:b] for a, b in itertools.pairwise(starts)])
    return columns


def _by_two(flat):
    return zip(flat[::2], flat[1::2], strict=True)
