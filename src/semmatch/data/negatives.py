"""Texts that a search finds for an anchor and that do not match it."""

import numbers
import warnings

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.data.bm25 import BM25
from semmatch.data.nearest import nearest_passages
from semmatch.data.record_checks import check_full_texts
from semmatch.data.text_groups import text_groups
from semmatch.data.triplets import matching_rows
from semmatch.data.triplets import Triplets

# Scores that are held at once, 64 MB of them, and queries among them.
_SCORES = 2**24
_QUERIES = 512


def mine_hard_negatives(
    bi_encoder,
    pairs,
    cross_encoder=None,
    *,
    corpus=None,
    num_negatives=5,
    ranks=(0, 100),
    margin=0.05,
):
    """Finds negatives that are hard to tell from the positives.

    The passages are the distinct second texts of all pairs and those of
    `corpus`. For each anchor, the first text of a pair that matches, the
    nearest passages are searched; those known to mean the same are left out:
    the anchor itself, its positives, and what further pairs join to these, in
    either order and over any number of pairs (see `triplet_dataset`). Of the
    others the nearest ones that pass the guard are its negatives.

    The guard is against matches that nobody has labelled. With a positive of
    score p a negative scores at most `p - margin * abs(p)`; of several
    positives the lowest p counts. What a pair of label 0 has as the anchor's
    second text needs no guard. How much a margin leaves depends on the scores:
    cosines of an encoder that nobody fine-tuned may all be near 0.9, and those
    of `BM25` say little. With `BM25`, 6,000 pairs of QA_corpus and the labels
    of 44,000 others, 15 % of the nearest 5 passages were matches, 7 % behind a
    margin of 0.05, which left 39 % of the anchors without, and 6 % with
    `margin=None, ranks=(30, 100)`, which left none without.

    Source: Moreira et al. 2024, "NV-Retriever" (positive-aware mining,
    TopK-PercPos, of which a `margin` of 0.05 was best).

    Args:
        bi_encoder: `BiEncoder`, or what has its `encode` and `similarity`;
            None for `BM25`, which knows shared characters and not meaning; a
            passage that shares none is no negative.
        pairs: as of `Triplets.from_pairs`.
        cross_encoder: `CrossEncoder`, or what has its `score`, to guard by;
            None to guard by the scores of the search. It scores the
            candidates of all anchors in one go.
        corpus: list of strings, further passages, or None; `pairs.text_a`
            where both texts of a pair are of one kind.
        num_negatives: int, the most negatives of a row. To train with others
            in each epoch, take more here and fewer in `triplet_dataset`.
        ranks: two ints; candidates are the passages from the first rank, 0
            being the best, to before the second, known matches not counted.
        margin: float in [0, 1), or None for no guard.

    Returns:
        `Triplets`, a row for each pair that matches, in the order given; its
        negatives with the nearest first.

    Warns of rows without a negative; they are kept.

    >>> from semmatch.data import Pairs
    >>> pairs = Pairs(["怎么还款", "取消借款"], ["如何还款", "怎么取消借款"])
    >>> mine_hard_negatives(None, pairs, margin=None).negatives
    [['怎么取消借款'], ['如何还款']]
    """
    check_positive_int(num_negatives, "num_negatives")
    first, last = _checked_ranks(ranks, num_negatives)
    _check_margin(margin, cross_encoder)
    known = _matching(pairs)
    anchors, anchor_numbers = distinct_texts(known.anchor)
    passages, passage_numbers = distinct_texts(
        [
            *check_full_texts(pairs.text_b, "pairs.text_b"),
            *check_full_texts([] if corpus is None else corpus, "corpus"),
        ]
    )
    numbers = anchor_numbers, passage_numbers
    positives = _places(known.anchor, known.positive, *numbers)
    groups = text_groups(known)
    found = nearest_passages(
        *search_scorer(bi_encoder, anchors, passages),
        (
            [groups[text] for text in anchor_numbers],
            [groups.get(text, -1) for text in passage_numbers],
        ),
        positives,
        min(last, len(passages)),
    )
    candidates, scores = found.passages[:, first:], found.scores[:, first:]
    # Of BM25 those with a term in common: all others are as far as any text.
    kept = scores > (-np.inf if bi_encoder is not None else 0)
    message = f"there are no other passages of the ranks {ranks}."
    if margin is not None:
        of_positives = found.known
        if cross_encoder is not None:
            scores, of_positives = _rescored(
                cross_encoder, anchors, passages, candidates, kept, known
            )
        lowest = np.full(len(anchors), np.inf)
        np.minimum.at(lowest, positives[:, 0], of_positives)
        limit = lowest - margin * np.abs(lowest)
        if kept.any():
            message = _too_close(scores[kept], of_positives, margin)
        apart = _labelled_apart(pairs, numbers, candidates)
        kept &= (scores <= limit[:, None]) | apart
    kept &= np.cumsum(kept, axis=1) <= num_negatives
    negatives = [
        [passages[number] for number in row[places]]
        for row, places in zip(candidates, kept, strict=True)
    ]
    _warn_of_none(kept[positives[:, 0]], message)
    return Triplets(
        known.anchor,
        known.positive,
        [negatives[number] for number in positives[:, 0]],
    )


def _matching(pairs):
    """The pairs that match, as `Triplets` without negatives."""
    rows = matching_rows(pairs)
    if not len(rows):
        raise ValueError("`pairs` is empty: there is nothing to search for.")
    return Triplets(
        [pairs.text_a[row] for row in rows],
        [pairs.text_b[row] for row in rows],
        [[] for _ in rows],
    )


def distinct_texts(texts):
    """Texts without repeats, and a dict from each, stripped, to its number.

    >>> distinct_texts(["还款", "取消 ", "还款", "取消"])
    (['还款', '取消 '], {'还款': 0, '取消': 1})
    """
    first = {}
    for text in texts:
        first.setdefault(text.strip(), text)
    numbers = {text: number for number, text in enumerate(first)}
    return list(first.values()), numbers


def _places(text_a, text_b, anchor_numbers, passage_numbers):
    """Pairs as numbers, int64 `(n, 2)`; without those of other anchors."""
    places = [
        (anchor_numbers[a.strip()], passage_numbers[b.strip()])
        for a, b in zip(text_a, text_b, strict=True)
        if a.strip() in anchor_numbers
    ]
    return np.array(places, "int64").reshape(-1, 2)


def search_scorer(bi_encoder, anchors, passages=None):
    """What `nearest_passages` searches with.

    Args:
        bi_encoder: as of `mine_hard_negatives`.
        anchors: list of strings.
        passages: list of strings; None for the anchors, which are then
            encoded once, as queries, and searched among each other.

    Returns:
        A function that scores slices of both, and how much of each at once.

    >>> score, _ = search_scorer(None, ["还款", "怎么还", "取消"])
    >>> (score(slice(0, 1), slice(0, 3)) > 0).tolist()
    [[True, True, False]]
    """
    if bi_encoder is None:
        bm25 = BM25(anchors if passages is None else passages)
        # It scores all passages or none.
        steps = max(1, _SCORES // bm25.num_texts), bm25.num_texts
        return lambda part, _: bm25.scores(anchors[part]), steps
    queries = vectors = bi_encoder.encode(anchors, side="query")
    if passages is not None:
        vectors = bi_encoder.encode(passages, side="passage")
    if not (np.isfinite(queries).all() and np.isfinite(vectors).all()):
        raise ValueError(
            "`bi_encoder` gives vectors with NaN or infinite values: its "
            "training failed. Take an earlier state of it."
        )

    def score(part, block):
        return bi_encoder.similarity(queries[part], vectors[block])

    return score, (_QUERIES, _SCORES // _QUERIES)


def _rescored(cross_encoder, anchors, passages, candidates, kept, known):
    """A cross-encoder's scores of the candidates kept and of positives."""
    places = np.argwhere(kept)
    scored = [
        (anchors[anchor], passages[candidates[anchor, place]])
        for anchor, place in places
    ]
    scored += zip(known.anchor, known.positive, strict=True)
    new = np.asarray(cross_encoder.score(scored))
    if new.shape != (len(scored),):
        raise ValueError(
            "`cross_encoder` must give each pair one score. Received: scores "
            f"of shape {new.shape} for {len(scored)} pairs. A model of more "
            "than two classes is no guard."
        )
    scores = np.full(kept.shape, np.inf, "float32")
    scores[kept] = new[: len(places)]
    return scores, new[len(places) :]


def _labelled_apart(pairs, numbers, candidates):
    """Which candidates are, by a pair of label 0, no matches, bool."""
    if pairs.label is None:
        return np.zeros(candidates.shape, bool)
    apart = pairs[pairs.label == 0]
    places = _places(apart.text_a, apart.text_b, *numbers)
    width = len(numbers[1])
    codes = np.arange(len(candidates))[:, None] * width + candidates
    return np.isin(codes, places[:, 0] * width + places[:, 1])


def _too_close(candidates, positives, margin):
    return (
        "what was found for them scores too close to the positive for a "
        f"margin of {margin}. Positives score {np.mean(positives):.3f} on "
        f"average, candidates {np.mean(candidates):.3f}. Lower `margin`, "
        "raise the last of `ranks`, or guard by a `cross_encoder`."
    )


def _warn_of_none(kept, message):
    none = int((~kept.any(axis=1)).sum())
    if none:
        warnings.warn(
            f"{none:,} of {len(kept):,} rows have no negative: {message}",
            stacklevel=3,
        )


def _checked_ranks(ranks, num_negatives):
    ranks = tuple(ranks)
    whole = all(isinstance(rank, numbers.Integral) for rank in ranks)
    first, last = ranks if len(ranks) == 2 and whole else (0, 0)
    if not 0 <= first <= last - num_negatives:
        raise ValueError(
            "`ranks` must be two integers from 0, the first and the one after "
            "the last, with room for `num_negatives` between. Received: "
            f"ranks={ranks} and num_negatives={num_negatives}."
        )
    return first, last


def _check_margin(margin, cross_encoder):
    if margin is None and cross_encoder is not None:
        raise ValueError(
            "`cross_encoder` guards by `margin`, and margin=None is no guard. "
            "Pass a margin, such as 0.05, or no cross-encoder."
        )
    if margin is not None and not 0 <= margin < 1:
        raise ValueError(
            f"`margin` must be in [0, 1), or None. Received: margin={margin!r}."
        )
