"""`score` and `rank` of a model, which its scorer computes."""


def score(model, pairs):
    """Scores of pairs, see `PairScorer.score`.

    Args:
        model: `CrossEncoder` or `BiEncoder`.
        pairs: a list of `(text_a, text_b)`, or `Pairs`.

    Returns:
        float32 `(n,)` in [0, 1]: the sigmoid of one logit, the positive
        class of two; `(n, num_classes)` for more classes.
    """
    return model.pair_scorer().score(pairs)


def rank(model, query, candidates, top_k=None, groups=None):
    """The candidates of a query, best first, see `PairScorer.rank`.

    Args:
        model: `CrossEncoder` or `BiEncoder`.
        query: string.
        candidates: list of strings.
        top_k: int or None for all.
        groups: list of the answers that the candidates stand for, of each
            of which the best counts; None for one each.

    Returns:
        A list of `Ranked(index, score, text)`; its `band` is `"match"`,
        `"suggest"` or `"none"`.
    """
    return model.pair_scorer().rank(query, candidates, top_k, groups)


def rank_many(model, queries, candidates, top_k=None, groups=None):
    """Ranks each query's own candidates, see `PairScorer.rank_many`.

    Args:
        model: `CrossEncoder` or `BiEncoder`.
        queries: list of strings.
        candidates: a list of strings for each query.
        top_k: int or None for all.
        groups: a list for each query, as of `rank`, or None.

    Returns:
        A list of lists of `Ranked(index, score, text)`.
    """
    return model.pair_scorer().rank_many(queries, candidates, top_k, groups)
