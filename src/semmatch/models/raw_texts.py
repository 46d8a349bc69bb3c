"""What models take besides datasets: raw texts with their labels."""

import random
from collections.abc import Iterator
from collections.abc import Mapping

import keras
import numpy as np

from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.data import triplet_dataset
from semmatch.data import Triplets
from semmatch.training.replicas import number_of_chief


def raw_dataset(model, x, y, batch_size, sample_weight=None, order=None):
    """A dataset of raw texts; a dataset is given on as it is.

    Args:
        model: `MatchingTask`.
        x: as of `raw_texts`, as are `y` and `sample_weight`.
        y: labels of raw texts, or None.
        batch_size: int or None for 64.
        sample_weight: weights of raw texts, or None.
        order: `"shuffle"`, `"sort"`, or None for the order given, without
            labels.
    """
    texts = raw_texts(x, y, sample_weight, labelled=order is not None)
    if texts is None:
        label = _labels_of(x)
        if order is not None and label is not None:
            model.check_labels(label)
        return x
    preprocessor = model.preprocessor_or_error()
    batch_size = 64 if batch_size is None else batch_size
    # Python's generator, so that `set_random_seed` fixes the order.
    seed = random.randrange(2**31)
    if order == "shuffle":
        seed = number_of_chief(model, seed)
    if isinstance(texts, Triplets):
        _check_takes_triplets(model)
        if order == "sort":
            # In files rows of one intent follow each other, and a batch of
            # them would have few negatives. The same order each time.
            mixed = np.random.default_rng(0).permutation(len(texts))
            texts = texts[mixed]
        dataset = triplet_dataset(
            texts,
            preprocessor,
            batch_size=batch_size,
            shuffle=order == "shuffle",
            seed=seed,
        )
        return of_drawn_seed(dataset)
    if order is not None:
        model.check_labels(texts.label)
    dataset = pair_dataset(
        texts,
        preprocessor,
        batch_size=batch_size,
        shuffle=order == "shuffle",
        sort=order == "sort",
        seed=seed,
        sample_weight=sample_weight,
    )
    return of_drawn_seed(dataset)


def _labels_of(dataset):
    """The labels of a dataset of `pair_dataset`; of another one None."""
    source = getattr(getattr(dataset, "batch_order", None), "source", None)
    contents = getattr(source, "contents", None)
    return contents.get("label") if isinstance(contents, dict) else None


def of_drawn_seed(dataset):
    """A dataset, marked as one whose seed nobody chose.

    Args:
        dataset: with a `batch_order`.
    """
    dataset.batch_order.drawn_seed = True
    return dataset


def raw_texts(x, y, sample_weight, *, labelled):
    """The texts that `fit`, `evaluate` or `predict` got, as a record.

    Args:
        x: `Pairs`, the tuple `(text_a, text_b)`, `Triplets`, a dataset, or
            packed features.
        y: labels of `(text_a, text_b)`, or None.
        sample_weight: weights of raw texts, or None.
        labelled: bool, whether pairs need labels.

    Returns:
        `Pairs` or `Triplets`, or None for what is no raw text: it is for
        Keras.

    Raises:
        ValueError: for anything else, for labels that are missing or doubled.

    >>> raw_texts((["怎么还款"], ["如何还"]), [1], None, labelled=True)
    Pairs(1 pairs, labels of mean 1.000)
    """
    if isinstance(x, tuple) and len(x) == 2:
        pairs = Pairs(*x, y)
    elif y is not None or (sample_weight is not None and type(x) is not Pairs):
        raise ValueError(
            "`y` and `sample_weight` belong to raw texts, `(text_a, text_b)`; "
            "`Pairs` and datasets hold their own labels, and datasets their "
            f"own weights. Received: x of type {type(x).__name__}."
        )
    elif isinstance(x, Triplets):
        return x
    elif isinstance(x, Pairs):
        pairs = x
    elif _is_for_keras(x, labelled):
        return None
    else:
        raise ValueError(
            "Expected `(text_a, text_b)`, a tuple of two lists of strings, or "
            "`Pairs`, or a dataset of `pair_dataset`. Received: "
            f"{_describe(x)}. A list of pairs becomes the two lists by "
            "`tuple(map(list, zip(*pairs)))`."
        )
    if labelled and pairs.label is None:
        raise ValueError(
            f"Training and evaluation need labels. Received {pairs!r}: pass "
            "them as `y`, or in `Pairs`."
        )
    return pairs


def _is_for_keras(x, labelled):
    import tensorflow as tf

    # Features alone have no labels to train on.
    kinds = () if labelled else (Mapping,)
    return isinstance(
        x,
        (
            tf.data.Dataset,
            tf.distribute.DistributedDataset,
            keras.utils.PyDataset,
            Iterator,
            *kinds,
        ),
    )


def _describe(x):
    count = f" of {len(x)}" if isinstance(x, list | tuple) else ""
    return f"a {type(x).__name__}{count}"


def _check_takes_triplets(model):
    if not model.takes_triplets:
        raise ValueError(
            f"A `{type(model).__name__}` reads two texts together and trains "
            "on labelled pairs. Received: `Triplets`, which are of a "
            "`BiEncoder`."
        )


def check_classes(label, num_classes):
    """Refuses labels that are not of a model's classes.

    Args:
        label: numbers `(n,)`.
        num_classes: int; of one logit labels may be shares in [0, 1].

    >>> check_classes(np.array([0, 1]), 2)
    """
    if num_classes == 1:
        expected = "in [0, 1] for a model with one logit"
        wrong = (label < 0) | (label > 1)
    else:
        expected = (
            f"whole numbers from 0 to {num_classes - 1} for a model of "
            f"{num_classes} classes"
        )
        wrong = (label < 0) | (label >= num_classes) | (label % 1 != 0)
    rows = np.flatnonzero(wrong)
    if rows.size:
        raise ValueError(
            f"Labels must be {expected}. Received: label[{rows[0]}]="
            f"{label[rows[0]]}, and {rows.size} such labels. Set `num_classes` "
            "to that of the data, or mend the labels."
        )
