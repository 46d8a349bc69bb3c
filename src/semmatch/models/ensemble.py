"""Several teachers that speak with one voice."""

import numpy as np

from semmatch._records import Scoring
from semmatch.data.distillation_dataset import target_logits
from semmatch.data.teacher_identity import scorer_of


class Ensemble:
    """The weighted mean of the logits of several models.

    It goes where a teacher goes: into `teacher_scores`, where its members may
    be `Matcher`s as well, and into `DistillationModel`, where all are models
    that read the same features. Of stored scores it is itself what
    `distillation_dataset` takes as scores. Each member is calibrated as its
    own `scoring` says before the mean is taken.

    Source: You et al. 2017, "Learning from multiple teacher networks".

    Args:
        members: list of models that have as many classes each.
        weights: list of floats of at least 0, or None for a plain mean.

    >>> from semmatch.models import CrossEncoder, CrossEncoderPreprocessor
    >>> from semmatch.models import TextEncoder
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> members = [CrossEncoder(TextEncoder(50, 1, 2, 8, 16), preprocessor)
    ...            for _ in range(2)]
    >>> Ensemble(members, weights=[3, 1]).logits([("还款", "怎么还")]).shape
    (1, 1)
    """

    def __init__(self, members, weights=None):
        self.members = list(members)
        if not self.members:
            raise ValueError(
                "`members` must hold at least one model. Received: none."
            )
        counts = [member.num_classes for member in self.members]
        if len(set(counts)) > 1:
            raise ValueError(
                "The members of an ensemble have the same classes. Received: "
                f"members of {counts} logits."
            )
        self.num_classes = counts[0]
        # What its logits are: each member has been calibrated before.
        self.scoring = Scoring.for_classes(self.num_classes)
        self.weights = _checked_weights(weights, len(self.members))

    def logits(self, pairs):
        """The mean of the members' logits.

        Args:
            pairs: `Pairs`, or a list of `(text_a, text_b)`.

        Returns:
            float32 `(n, classes)`.
        """
        total = 0.0
        for weight, member in zip(self.weights, self.members, strict=True):
            scorer = scorer_of(member)
            logits = target_logits(scorer.logits(pairs), scorer.scoring)
            total = total + np.float32(weight) * logits
        return total


def _checked_weights(weights, count):
    """The weights as shares of 1."""
    given = np.ones(count) if weights is None else np.asarray(weights, float)
    if (
        given.shape != (count,)
        or not np.isfinite(given).all()
        or (given < 0).any()
        or not given.sum()
    ):
        raise ValueError(
            f"`weights` must hold one number for each of {count} members, at "
            f"least 0 and not all 0. Received: weights={weights!r}."
        )
    return (given / given.sum()).tolist()
