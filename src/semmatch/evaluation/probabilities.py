"""What is asked of scores that stand for probabilities."""


def check_probabilities(scores):
    """`scores`, if all are in [0, 1].

    Args:
        scores: a float array of finite numbers, of any shape.

    >>> import numpy as np
    >>> check_probabilities(np.array([0.0, 0.7, 1.0])).tolist()
    [0.0, 0.7, 1.0]

    Raises:
        ValueError: if one is outside.
    """
    low, high = scores.min(), scores.max()
    if low < 0 or high > 1:
        raise ValueError(
            "`scores` must be probabilities in [0, 1], as `model.score` gives "
            f"them. Received: scores from {low:g} to {high:g}. Logits become "
            "probabilities by a sigmoid or softmax."
        )
    return scores
