"""From pairs of strings to batches that a model trains on."""

import numpy as np

from semmatch._checks import check_positive_int
from semmatch._checks import check_seed
from semmatch.data.batch_order import BatchOrder
from semmatch.data.batch_order import BatchSource
from semmatch.data.packed_dataset import features_spec
from semmatch.data.packed_dataset import packed_dataset

# Rows that are sorted together: enough that a batch holds texts of one
# length, few enough that its neighbours differ from epoch to epoch.
_BATCHES_PER_CHUNK = 64


def pair_dataset(
    pairs,
    preprocessor,
    *,
    batch_size=64,
    shuffle=False,
    seed=0,
    sort=False,
    sample_weight=None,
):
    """Builds a `tf.data.Dataset` of packed batches.

    A batch is tokenised when it is needed and padded to its own longest
    pair, rounded up to a multiple of 8. With `shuffle`, pairs of similar
    length share a batch, and the order is a function of the seed and of how
    often the dataset was iterated before. To know the lengths, `shuffle` and
    `sort` tokenise all texts once, about 80,000 in a second.

    Args:
        pairs: `Pairs`. Without labels the batches hold features alone.
        preprocessor: the model's (`model.preprocessor`).
        batch_size: int, pairs in a batch; the last may hold fewer.
        shuffle: bool; without it pairs stay in the order given.
        seed: int from 0, fixes the shuffled order.
        sort: bool, puts pairs in the order of their length instead. Less
            padding makes evaluation faster, and its figures are the same.
        sample_weight: float `(n,)` or None, weights of the pairs in the loss.

    Returns:
        A dataset of `(features, labels)`, or `(features, labels,
        sample_weight)`, or `(features,)`. Features are int32 `(batch,
        length)`, of a bi-encoder `(batch, 2, length)`, see the preprocessor;
        labels are `(batch,)`.

    >>> from semmatch.data import load_faq
    >>> from semmatch.models import CrossEncoderPreprocessor
    >>> pairs = load_faq("zh").pairs("valid")
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(pairs.text_a)
    >>> features, labels = next(iter(pair_dataset(pairs, preprocessor)))
    >>> labels.shape
    TensorShape([64])
    """
    if shuffle and sort:
        raise ValueError("`shuffle` and `sort` exclude each other. Pass one.")
    if shuffle and pairs.label is not None and len(pairs):
        check_classes(pairs.label.min(), pairs.label.max(), len(pairs))
    columns = {}
    if pairs.label is not None:
        columns["label"] = pairs.label
    if sample_weight is not None:
        if pairs.label is None:
            raise ValueError(
                "`sample_weight` weights the loss of labelled pairs, and "
                "these pairs have no labels. Leave it out or give labels."
            )
        columns["sample_weight"] = checked_weight(sample_weight, len(pairs))
    order = "shuffle" if shuffle else "sort" if sort else None
    return packed_pairs(
        pairs, preprocessor, columns, batch_size, order=order, seed=seed
    )


def packed_pairs(pairs, preprocessor, columns, batch_size, *, order, seed=0):
    """`pair_dataset` with columns of any structure.

    Args:
        pairs: `Pairs`, whose labels do not count.
        preprocessor: as of `pair_dataset`.
        columns: dict, by name, of arrays `(n, ...)` or dicts of such: what
            stands beside the features of each batch, in this order.
        batch_size: int.
        order: `"shuffle"`, `"sort"`, or None for the order given.
        seed: int, of `"shuffle"`.
    """
    # Here, so that readers work where only the serving packages are.
    import tensorflow as tf

    check_positive_int(batch_size, "batch_size")
    seed = check_seed(seed, optional=order != "shuffle")
    if not len(pairs):
        raise ValueError(
            "`pairs` is empty: there is nothing to build a dataset of."
        )

    structures = [*columns.values()]

    def pack(rows):
        features = preprocessor.pack(
            [pairs.text_a[row] for row in rows],
            [pairs.text_b[row] for row in rows],
        )
        of_rows = tf.nest.map_structure(lambda x: x[rows], structures)
        return features, *of_rows

    def spec_of(column):
        return tf.TensorSpec(column.shape[1:], column.dtype)

    spec = (
        pair_features_spec(preprocessor),
        *tf.nest.map_structure(spec_of, structures),
    )
    batches = BatchOrder(
        _row_order(pairs, preprocessor, batch_size, order),
        len(pairs),
        batch_size,
        seed,
        source=_source(pairs, columns, order),
    )
    return packed_dataset(batches, pack, spec)


def epoch_order(lengths, batch_size, seed, epoch):
    """The order of rows in one epoch, batches of similar length in a row.

    Rows are shuffled, sorted by length within chunks, cut into batches, and
    the batches shuffled; an incomplete batch stays at the end.

    Args:
        lengths: int `(n,)`, the length of each row in any unit.
        batch_size: int.
        seed: int.
        epoch: int.

    Returns:
        int64 `(n,)`, each row number once.

    >>> order = epoch_order(np.array([5, 1, 5, 1]), 2, seed=0, epoch=0)
    >>> sorted(order[:2].tolist()) in ([0, 2], [1, 3])
    True
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    chunk = batch_size * _BATCHES_PER_CHUNK
    for start in range(0, len(order), chunk):
        rows = order[start : start + chunk]
        by_length = np.argsort(lengths[rows], kind="stable")
        order[start : start + chunk] = rows[by_length]
    whole = len(order) // batch_size * batch_size
    batches = random.permutation(order[:whole].reshape(-1, batch_size))
    return np.concatenate([batches.ravel(), order[whole:]]).astype("int64")


def pair_features_spec(preprocessor):
    """The `tf.TensorSpec` of each feature of one pair.

    Args:
        preprocessor: as of `pair_dataset`.
    """
    # Of a student and a teacher that read different features.
    if hasattr(preprocessor, "parts"):
        return {
            name: pair_features_spec(part)
            for name, part in preprocessor.parts.items()
        }
    return features_spec(preprocessor, *preprocessor.feature_shape[:-1])


def _row_order(pairs, preprocessor, batch_size, order):
    """From a seed and an epoch to the numbers of rows in the order asked."""
    if order is None:
        return lambda seed, epoch: [np.arange(len(pairs))]
    lengths = preprocessor.lengths(pairs.text_a, pairs.text_b)
    if order == "shuffle":
        return lambda seed, epoch: [
            epoch_order(lengths, batch_size, seed, epoch)
        ]
    by_length = np.argsort(lengths, kind="stable")
    return lambda seed, epoch: [by_length]


def _source(pairs, columns, order):
    # Labels may come in a dict, with what a teacher says.
    flat = {}
    for name, column in columns.items():
        flat |= column if isinstance(column, dict) else {name: column}

    def examples(rows):
        return [
            {
                "text_a": pairs.text_a[row],
                "text_b": pairs.text_b[row],
                **{name: column[row].tolist() for name, column in flat.items()},
            }
            for row in rows
        ]

    contents = {"text_a": pairs.text_a, "text_b": pairs.text_b, **flat}
    return BatchSource(examples, contents, {"order": order or "as given"})


def check_classes(minimum, maximum, count):
    """Refuses to train on labels of one class.

    Args:
        minimum: number, the least of all labels.
        maximum: number, the largest.
        count: int, how many there are.
    """
    if count > 1 and minimum == maximum:
        raise ValueError(
            f"All {count} labels are {minimum}: a model learns nothing "
            "from one class. Give pairs of both, for instance other texts of "
            "the data as pairs that do not match."
        )


def checked_weight(sample_weight, count):
    """`sample_weight` as float32 `(count,)`, if it weighs so many pairs.

    >>> checked_weight([1, 0], 2).tolist()
    [1.0, 0.0]
    """
    weight = np.asarray(sample_weight, "float32")
    if weight.shape != (count,):
        raise ValueError(
            "`sample_weight` must hold one number for each pair, shape "
            f"({count},). Received: shape {weight.shape}."
        )
    wrong = np.flatnonzero(~np.isfinite(weight) | (weight < 0))
    if wrong.size:
        raise ValueError(
            "`sample_weight` must be finite and at least 0. Received: "
            f"sample_weight[{wrong[0]}]={weight[wrong[0]]}, and {wrong.size} "
            "such values."
        )
    return weight
