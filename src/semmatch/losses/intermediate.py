"""How far a student's inner tensors are from a teacher's."""

from keras import ops

from semmatch.losses.similarity import unit_vectors

# Large enough that the softmax gives padding exactly 0 in float32.
_MASKED = -1e9


def vector_distance(student, teacher, mask, kind):
    """Of the vectors of tokens, a mean over the real ones.

    Args:
        student: float `(batch, length, dim)`.
        teacher: float `(batch, length, dim)`.
        mask: `(batch, length)`, 1 for a real token.
        kind: `"mse"`, the mean of squared differences of the components, or
            `"cosine"`, 1 - cosine.

    Returns:
        float32 `(batch,)`.

    >>> one, other = ops.array([[[1.0, 0.0]]]), ops.array([[[0.0, 1.0]]])
    >>> mask = ops.array([[1]])
    >>> vector_distance(one, other, mask, "mse").numpy().tolist()
    [1.0]
    >>> vector_distance(one, other, mask, "cosine").numpy().tolist()
    [1.0]
    """
    student, teacher = _float32(student), _float32(teacher)
    if kind == "mse":
        apart = ops.mean(ops.square(student - teacher), axis=-1)
    else:
        products = unit_vectors(student) * unit_vectors(teacher)
        apart = 1 - ops.sum(products, axis=-1)
    return _mean_of_real(apart, mask)


def attention_distance(student, teacher, mask, kind):
    """Of attention, a mean over pairs of real tokens and heads.

    Args:
        student: float `(batch, heads, length, length)`, before the softmax.
        teacher: the same; where the numbers of heads differ, means over the
            heads are compared.
        mask: `(batch, length)`, 1 for a real token.
        kind: `"mse"` of these, or `"kl"`, the divergence of the shares that
            the softmax makes of them, of each real query.

    Returns:
        float32 `(batch,)`.

    >>> scores = ops.array([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> mask = ops.array([[1, 0]])
    >>> attention_distance(scores, scores - 2.0, mask, "mse").numpy().tolist()
    [4.0]
    >>> attention_distance(scores, scores - 2.0, mask, "kl").numpy().tolist()
    [0.0]
    """
    student, teacher = _float32(student), _float32(teacher)
    if kind == "mse":
        student, teacher = _same_heads(student, teacher)
        apart = ops.square(student - teacher)
        real = ops.cast(mask, "float32")
        keys = ops.sum(apart * real[:, None, None, :], axis=-1)
        counts = ops.maximum(ops.sum(real, axis=-1), 1.0)
        apart = keys / counts[:, None, None]
    else:
        padding = (1 - _float32(mask))[:, None, None, :] * _MASKED
        student = ops.log_softmax(student + padding, axis=-1)
        teacher = ops.log_softmax(teacher + padding, axis=-1)
        if student.shape[1] != teacher.shape[1]:
            student, teacher = (
                ops.logsumexp(shares, axis=1, keepdims=True)
                - ops.log(float(shares.shape[1]))
                for shares in (student, teacher)
            )
        apart = ops.exp(teacher) * (teacher - student)
        apart = ops.sum(apart, axis=-1)
    return _mean_of_real(ops.mean(apart, axis=1), mask)


def _same_heads(*scores):
    if len({one.shape[1] for one in scores}) == 1:
        return scores
    return [ops.mean(one, axis=1, keepdims=True) for one in scores]


def _mean_of_real(values, mask):
    real = _float32(mask)
    total = ops.sum(values * real, axis=-1)
    return total / ops.maximum(ops.sum(real, axis=-1), 1.0)


def _float32(tensor):
    # Sums of many bfloat16 values lose their ends.
    return ops.cast(tensor, "float32")
