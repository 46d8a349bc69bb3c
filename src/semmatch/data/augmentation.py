"""Further pairs of the texts that there are, for a teacher to label."""

import numbers
import warnings

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.data.nearest import nearest_passages
from semmatch.data.negatives import distinct_texts
from semmatch.data.negatives import search_scorer
from semmatch.data.record_checks import check_full_texts
from semmatch.data.records import Pairs


def swap_pairs(pairs):
    """The pairs in both orders.

    For a cross-encoder, which reads the order of two texts, where it means
    nothing. What stands in both orders already is not added again. White
    space around a text does not count; of a pair that stands twice the
    swapped one does so, too, so that labels which contradict each other do so
    in both orders.

    Args:
        pairs: `Pairs`, with labels or without.

    Returns:
        `Pairs`: those given, then the swapped ones with the labels of those
        that they are of.

    >>> both = swap_pairs(Pairs(["a", "b", "c"], ["b", "a", "d"], [1, 1, 0]))
    >>> both.text_a, both.text_b, both.label.tolist()
    (['a', 'b', 'c', 'd'], ['b', 'a', 'd', 'c'], [1, 1, 0, 0])
    """
    keys = [
        (a.strip(), b.strip())
        for a, b in zip(pairs.text_a, pairs.text_b, strict=True)
    ]
    given = set(keys)
    rows = [row for row, (a, b) in enumerate(keys) if (b, a) not in given]
    label = pairs.label
    if label is not None:
        label = np.concatenate([label, label[rows]])
    return Pairs(
        [*pairs.text_a, *(pairs.text_b[row] for row in rows)],
        [*pairs.text_b, *(pairs.text_a[row] for row in rows)],
        label,
        pairs.skipped,
    )


def recombine_pairs(
    pairs, bi_encoder=None, *, num_pairs=None, ranks=(0, 20), seed=0
):
    """New pairs of the sentences of `pairs`, near ones, without labels.

    A student that is distilled learns from what its teacher says of these as
    from labelled pairs, and there are many more of them: have them scored by
    `teacher_scores`, and train on both by `distillation_dataset`. Sentences
    drawn at random nearly never match, and a student would see nothing else;
    so each is joined to its neighbours among all others.

    Source: Thakur et al. 2021, "Augmented SBERT" (its BM25 and its semantic
    sampling). That a student of one task needs more texts than are labelled:
    Jiao et al. 2020, "TinyBERT", which changes words instead.

    Args:
        pairs: `Pairs`; the sentences are the distinct texts of both columns,
            white space around them not counted. Labels do not count.
        bi_encoder: `BiEncoder`, or what has its `encode` and `similarity`: it
            encodes each sentence once, as a query. None for `BM25`, of which
            sentences that share no term are no neighbours.
        num_pairs: int, how many pairs to draw of those found, or None for
            all.
        ranks: two ints; the neighbours of a sentence are those from the first
            rank, 0 being the nearest, to before the second.
        seed: int, fixes what is drawn, and which text of a pair comes first.

    Returns:
        `Pairs` without labels and without those that stand in `pairs`, in
        either order. Each stands there once, in one of its two orders, which
        are equally likely.

    Warns if fewer than `num_pairs` are found, or none.

    >>> pairs = Pairs(["怎么还款", "怎么取消"], ["如何还", "取消吧"], [1, 1])
    >>> new = recombine_pairs(pairs)
    >>> sorted(new.text_a + new.text_b), new.label
    (['怎么取消', '怎么还款'], None)
    """
    first, last = _checked_ranks(ranks)
    if num_pairs is not None:
        check_positive_int(num_pairs, "num_pairs")
    if not len(pairs):
        raise ValueError("`pairs` is empty: there is nothing to recombine.")
    texts, places = distinct_texts(
        [
            *check_full_texts(pairs.text_a, "pairs.text_a"),
            *check_full_texts(pairs.text_b, "pairs.text_b"),
        ]
    )
    given = _codes(
        np.array([places[text.strip()] for text in pairs.text_a]),
        np.array([places[text.strip()] for text in pairs.text_b]),
        len(texts),
    )
    near = _neighbours(bi_encoder, texts, first, last)
    codes = np.setdiff1d(_codes(*near, len(texts)), given)
    _warn_of_few(len(codes), num_pairs, ranks, len(texts))
    random = np.random.default_rng(seed)
    if num_pairs is not None and num_pairs < len(codes):
        codes = np.sort(random.choice(codes, num_pairs, replace=False))
    rows = np.stack(np.divmod(codes, len(texts)), axis=1)
    rows = random.permuted(rows, axis=1)
    return Pairs(*([texts[row] for row in column] for column in rows.T))


def _neighbours(bi_encoder, texts, first, last):
    """The numbers of texts and of their neighbours, int64 `(n,)` each."""
    own = np.arange(len(texts))
    found = nearest_passages(
        *search_scorer(bi_encoder, texts),
        # Each a group of its own: a text does not find itself.
        (own, own),
        np.empty((0, 2), "int64"),
        min(last, len(texts)),
    )
    # BM25 gives 0 where nothing is shared: these were not found.
    lowest = 0 if bi_encoder is None else -np.inf
    rows, ranks = np.nonzero(found.scores[:, first:] > lowest)
    return rows, found.passages[rows, first + ranks]


def _codes(a, b, count):
    """A number for each pair of the numbers below `count`, in any order."""
    return np.minimum(a, b) * count + np.maximum(a, b)


def _warn_of_few(found, num_pairs, ranks, count):
    if found < (num_pairs or 1):
        fewer = "" if num_pairs is None else f", fewer than {num_pairs:,}"
        warnings.warn(
            f"{found:,} new pairs of {count:,} sentences lie within the ranks "
            f"{tuple(ranks)}{fewer}. Raise the last of `ranks` for more.",
            stacklevel=3,
        )


def _checked_ranks(ranks):
    ranks = tuple(ranks)
    whole = all(isinstance(rank, numbers.Integral) for rank in ranks)
    first, last = ranks if len(ranks) == 2 and whole else (0, 0)
    if not 0 <= first < last:
        raise ValueError(
            "`ranks` must be two integers from 0, the first and the one after "
            f"the last. Received: ranks={ranks}."
        )
    return first, last
