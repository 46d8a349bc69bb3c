"""How well the queries of a batch find their passages, for metrics."""

from keras import ops

from semmatch.losses.similarity import pair_similarity
from semmatch.losses.similarity import similarity_matrix


def is_of_lists(y):
    """Whether a batch is of lists: a group id or a score for each text.

    >>> is_of_lists(ops.zeros((4, 3))), is_of_lists(ops.zeros((4,)))
    (True, False)
    """
    return y is not None and len(y.shape) == 2 and y.shape[1] != 1


def in_batch_scores(y, embeddings, similarity):
    """Each query against all passages of the batch.

    Args:
        y: int `(batch, texts)`, group ids, of which passages of the query's
            own group and empty places (below 0) do not count; or float
            `(batch, texts - 1)`, a teacher's scores, NaN for empty places.
        embeddings: float `(batch, texts, dim)`.
        similarity: string, as of `pair_similarity`.

    Returns:
        int32 `(batch,)`, which candidate is the query's own passage, and
        float `(batch, candidates)`, similarities, as a metric of classes
        takes them.

    >>> own, other = [[1.0, 0.0], [0.9, 0.1]], [[0.0, 1.0], [0.1, 0.9]]
    >>> y = ops.array([[0, 0], [1, 1]])
    >>> places, scores = in_batch_scores(y, ops.array([own, other]), "cosine")
    >>> places.numpy().tolist(), (scores.numpy() > 0.5).tolist()
    ([0, 1], [[True, False], [False, True]])
    """
    batch, texts, dim = ops.shape(embeddings)
    passages = ops.reshape(embeddings[:, 1:], (batch * (texts - 1), dim))
    scores = similarity_matrix(embeddings[:, 0], passages, similarity)
    places = ops.arange(batch, dtype="int32") * (texts - 1)
    if y.shape[1] == texts:
        ids = ops.reshape(y[:, 1:], (1, -1))
        left_out = (ids < 0) | (ids == y[:, :1])
    else:
        empty = ops.reshape(ops.isnan(y), (1, -1))
        left_out = ops.broadcast_to(empty, ops.shape(scores))
    every = ops.arange(batch * (texts - 1), dtype="int32")
    own = places[:, None] == every[None, :]
    # Below every similarity, distances of a trained model included.
    return places, ops.where(left_out & ~own, -1e9, scores)


def told_apart(embeddings, similarity):
    """Queries with their own passage, and with that of the next row.

    Args:
        embeddings: float `(batch, texts, dim)`.
        similarity: string, as of `pair_similarity`.

    Returns:
        Labels `(2 * batch,)`, 1 for the own one, and similarities `(2 *
        batch, 1)`.

    >>> rows = ops.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
    >>> labels, similarities = told_apart(rows, "cosine")
    >>> labels.numpy().tolist(), similarities.numpy()[:, 0].tolist()
    ([1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0])
    """
    others = ops.stack(
        [embeddings[:, 0], ops.roll(embeddings[:, 1], 1, axis=0)], axis=1
    )
    own = pair_similarity(embeddings, similarity)
    other = pair_similarity(others, similarity)
    labels = ops.concatenate([ops.ones_like(own), ops.zeros_like(other)])
    return labels, ops.concatenate([own, other])[:, None]
