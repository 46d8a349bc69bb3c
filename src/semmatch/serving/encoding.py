"""`encode` and `similarity` of a bi-encoder and of its deploy folder."""

from semmatch.serving.embedding_scorer import EmbeddingScorer


def encode(
    model,
    texts,
    *,
    side="passage",
    batch_size=None,
    truncate_dim=None,
    precision="float32",
):
    """Vectors of texts, as `EmbeddingScorer.encode` gives them.

    Args:
        model: with a `pair_scorer()`.
        texts: list of strings, or one string; an empty text is its special
            tokens.
        side: `"passage"` or `"query"`, whose prompt is put before.
        batch_size: int, texts of one batch; None for as many as make batches
            of a fixed number of tokens.
        truncate_dim: int, how many of the first dimensions to keep.
        precision: `"float32"`, `"float16"` or `"int8"`: 4, 2 or 1 bytes a
            dimension. int8 vectors have kept their directions, and are for
            models of the similarity `"cosine"`.

    Returns:
        An array `(n, dim)` of that type, in the order given; `(dim,)` for
        one string.

    Raises:
        TypeError: if the model reads pairs.
        ValueError: if the model gives NaN or infinity; names a text.
    """
    return embedding_scorer(model).encode(
        texts,
        side=side,
        batch_size=batch_size,
        truncate_dim=truncate_dim,
        precision=precision,
    )


def similarity(model, a, b):
    """The similarity of each vector of `a` with each one of `b`.

    Args:
        model: with a `pair_scorer()`.
        a: `(n, dim)`, as `encode` gives, in any precision.
        b: `(m, dim)`.

    Returns:
        float32 `(n, m)`.

    Raises:
        TypeError: if the model reads pairs.
    """
    return embedding_scorer(model).similarity(a, b)


def embedding_scorer(model):
    """What encodes texts for a model, or an error if nothing does."""
    scorer = model.pair_scorer()
    if not isinstance(scorer, EmbeddingScorer):
        raise TypeError(
            "Vectors of texts are of a `BiEncoder`. Received: the "
            f"`{type(model).__name__}` of a cross-encoder, which reads two "
            "texts together; it has `score` and `rank`."
        )
    return scorer
