"""The floor of every model: pairs scored by the characters they share."""

import numpy as np

from semmatch._overlap import character_overlap
from semmatch._records import Scoring
from semmatch.serving.scorer import Scorer
from semmatch.serving.scorer import text_columns


class CharacterOverlap(Scorer):
    """Scores a pair by the Dice coefficient of its texts' characters.

    It has no parameters and was never trained: evaluated where a model is,
    by `evaluate_pairs`, `compare` or `evaluate_ranking`, it says what of the
    model's figures any model would reach. Chinese characters carry meaning;
    of a language of few letters the floor is low.

    Source: Dice 1945, "Measures of the amount of ecologic association between
    species".

    Args:
        threshold: float in [0, 1]; a pair matches if its score is at least
            this. `choose_threshold` finds the best one on labelled pairs.

    >>> floor = CharacterOverlap()
    >>> floor.score([("还款", "还钱"), ("还款", "开户")]).tolist()
    [0.5, 0.0]
    >>> floor.rank("怎么还款", ["取消", "如何还款"])[0].text
    '如何还款'
    """

    def __init__(self, threshold=0.5):
        super().__init__(Scoring("cosine", threshold=threshold))

    def logits(self, pairs):
        """Float32 `(n, 1)`, in the order given.

        Moved from [0, 1] to [-1, 1], as of cosines, so that scores are the
        coefficients themselves.
        """
        overlaps = map(character_overlap, *text_columns(pairs))
        return 2 * np.array(list(overlaps), "float32")[:, None] - 1
