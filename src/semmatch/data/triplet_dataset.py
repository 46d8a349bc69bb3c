"""From triplets of strings to batches that a bi-encoder trains on."""

import functools
import itertools
import numbers
import warnings

import numpy as np

from semmatch._checks import check_positive_int
from semmatch._checks import check_seed
from semmatch.data.batch_order import BatchOrder
from semmatch.data.batch_order import BatchSource
from semmatch.data.group_order import group_order
from semmatch.data.packed_dataset import features_spec
from semmatch.data.packed_dataset import packed_dataset
from semmatch.data.text_groups import text_groups
from semmatch.data.triplet_targets import group_targets
from semmatch.data.triplet_targets import row_groups
from semmatch.data.triplet_targets import score_targets

# A share of empty places from which on most of the work is for nothing.
_MANY_EMPTY = 0.5


def triplet_dataset(
    triplets,
    preprocessor,
    *,
    batch_size=64,
    shuffle=False,
    seed=0,
    num_negatives=None,
    scores=None,
):
    """Builds a `tf.data.Dataset` of packed batches with negatives.

    Every text gets the number of its group: texts that mean the same, so that
    a loss does not push them apart. An anchor and its positive mean the same,
    and so do rows of one of `Triplets.groups`, and what is joined by these
    over any number of rows; a negative that stands nowhere as anchor or
    positive is a group of its own. White space around a text does not count.

    With `shuffle`, rows of similar length share a batch, and few rows of one
    group do (see `group_order`); the order, and which negatives are drawn of
    a row that has more than `num_negatives`, are functions of the seed and of
    how often the dataset was iterated before. Without, rows stay in the order
    given and have their first negatives.

    Args:
        triplets: `Triplets`.
        preprocessor: the model's (`model.preprocessor`), of a bi-encoder.
        batch_size: int, rows in a batch; the last may hold fewer.
        shuffle: bool.
        seed: int from 0, fixes the shuffled order and the negatives drawn.
        num_negatives: int from 0, the negatives N of a row, or None for the
            largest number in the data. A row with fewer has empty places.
        scores: None, or a list, for each row, of the scores that a teacher
            gave its positive and each of its negatives, `(1 + negatives,)`.

    Returns:
        A dataset of `(features, y)`. Features are int32 `(batch, 2 + N,
        length)`: anchor, positive, negatives. y is int32 `(batch, 2 + N)`,
        the group of each text, -1 for an empty place; with `scores` float32
        `(batch, 1 + N)`, NaN for an empty place.

    >>> from semmatch.data import Triplets
    >>> from semmatch.models import BiEncoderPreprocessor
    >>> triplets = Triplets(["还款", "取消"], ["怎么还", "取消吧"],
    ...                     [["取消", "借款"], ["借款"]])
    >>> preprocessor = BiEncoderPreprocessor.from_texts(triplets.anchor)
    >>> features, y = next(iter(triplet_dataset(triplets, preprocessor)))
    >>> features["token_ids"].shape, y.numpy().tolist()
    (TensorShape([2, 4, 8]), [[0, 0, 1, 2], [1, 1, 2, -1]])

    Warns of negatives that are of their own anchor's group, of a group that
    most rows are of, and if, without `num_negatives`, most places are empty.
    """
    # Here, so that readers work where only the serving packages are.
    import tensorflow as tf

    check_positive_int(batch_size, "batch_size")
    seed = check_seed(seed, optional=not shuffle)
    _check_inputs(triplets, preprocessor)
    counts = np.array(list(map(len, triplets.negatives)))
    num = _num_places(num_negatives, counts)
    _check_comparisons(triplets, batch_size, num, scores)
    groups = text_groups(triplets)
    if scores is not None:
        own, of_negatives = score_targets(triplets, scores)
    else:
        own, of_negatives = group_targets(triplets, groups)
    # The last is that of an empty place, -1.
    negatives = [*itertools.chain(*triplets.negatives), ""]

    def pack(rows, places):
        features = preprocessor.pack(
            [triplets.anchor[row] for row in rows],
            [triplets.positive[row] for row in rows],
            *([negatives[place] for place in column] for column in places.T),
        )
        y = np.concatenate([own[rows], of_negatives[places]], axis=1)
        return features, y

    if shuffle:
        lengths = _lengths(triplets, counts, preprocessor)
        own_groups = row_groups(triplets, groups)

        def columns(seed, epoch):
            order = group_order(lengths, own_groups, batch_size, seed, epoch)
            random = np.random.default_rng([seed, epoch, 1])
            return order, negative_places(counts, num, random)[order]

    else:
        first = np.arange(len(triplets)), negative_places(counts, num)

        def columns(seed, epoch):
            return first

    order = BatchOrder(
        columns,
        len(triplets),
        batch_size,
        seed,
        shapes=((), (num,)),
        source=BatchSource(
            functools.partial(_examples, triplets, scores),
            # The last two are groups, or scores.
            [
                triplets.anchor,
                triplets.positive,
                triplets.negatives,
                own,
                of_negatives,
            ],
            {
                "order": "shuffle" if shuffle else "as given",
                "num_negatives": num,
            },
        ),
    )
    y_spec = tf.TensorSpec((own.shape[1] + num,), own.dtype)
    spec = features_spec(preprocessor, 2 + num), y_spec
    return packed_dataset(order, pack, spec)


def _examples(triplets, scores, rows):
    """What stands in some rows, as dicts of JSON values."""
    names = ("anchor", "positive", "negatives")
    found = [
        {name: getattr(triplets, name)[row] for name in names} for row in rows
    ]
    if scores is not None:
        for example, row in zip(found, rows, strict=True):
            example["scores"] = np.asarray(scores[row]).tolist()
    return found


def negative_places(counts, num, random=None):
    """Which negatives a row has in its places.

    Args:
        counts: int `(n,)`, the negatives of each row.
        num: int, the places of a row.
        random: numpy's generator, to draw them; None for the first ones.

    Returns:
        int64 `(n, num)`, numbers of the negatives of all rows, one row after
        another; -1 for an empty place.

    >>> negative_places(np.array([3, 0, 1]), 2).tolist()
    [[0, 1], [-1, -1], [3, -1]]
    """
    rows = np.repeat(np.arange(len(counts)), counts)
    order = np.arange(len(rows))
    if random is not None:
        order = np.lexsort((random.random(len(rows)), rows))
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = rank < num
    places = np.full((len(counts), num), -1)
    places[rows[kept], rank[kept]] = order[kept]
    return places


def _lengths(triplets, counts, preprocessor):
    """Tokens of the longest text of each row, int64 `(n,)`."""
    lengths = preprocessor.lengths(triplets.anchor, triplets.positive)
    rows = np.repeat(np.arange(len(counts)), counts)
    if rows.size:
        # The same texts are negatives of many rows. An empty query has no
        # more tokens than the anchor.
        texts, places = np.unique(
            np.array([*itertools.chain(*triplets.negatives)], object),
            return_inverse=True,
        )
        own = preprocessor.lengths([""] * len(texts), texts)
        np.maximum.at(lengths, rows, own[places])
    return lengths


def _num_places(num_negatives, counts):
    if num_negatives is None:
        num = int(counts.max())
        _warn_of_empty(counts, num)
        return num
    integer = isinstance(num_negatives, numbers.Integral)
    if not integer or isinstance(num_negatives, bool) or num_negatives < 0:
        raise ValueError(
            "`num_negatives` must be an integer of at least 0, or None for "
            "the largest number in the data. Received: num_negatives="
            f"{num_negatives!r}."
        )
    return int(num_negatives)


def _warn_of_empty(counts, num):
    empty = 1 - counts.sum() / max(1, num * len(counts))
    # With one place at most there is no smaller number but none.
    if num > 1 and empty > _MANY_EMPTY:
        warnings.warn(
            f"{empty:.0%} of the places of negatives are empty, and they are "
            f"computed all the same: a row has {num} negatives at most and "
            f"{counts.mean():.1f} on average. Pass `num_negatives`, such as "
            f"{-(-counts.sum() // len(counts))}: of rows that have more, "
            "others are drawn in each epoch.",
            stacklevel=4,
        )


def _check_inputs(triplets, preprocessor):
    if not len(triplets):
        raise ValueError(
            "`triplets` is empty: there is nothing to build a dataset of."
        )
    if not hasattr(preprocessor, "passage_prompt"):
        raise ValueError(
            "The texts of triplets are packed each by itself, by the "
            "preprocessor of a `BiEncoder`. Received: a "
            f"{type(preprocessor).__name__}."
        )


def _check_comparisons(triplets, batch_size, num, scores):
    if num:
        return
    if scores is not None:
        raise ValueError(
            "`scores` compare a positive with negatives. Received: "
            f"{triplets!r} and num_negatives={num}."
        )
    if batch_size == 1 or len(triplets) == 1:
        raise ValueError(
            "A row is compared with its own negatives and with the other rows "
            f"of its batch. Received: {triplets!r}, num_negatives={num} and "
            f"batch_size={batch_size}."
        )
