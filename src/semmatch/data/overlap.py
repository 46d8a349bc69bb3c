"""What shared characters alone tell of the labels: a floor for models."""

import collections
import dataclasses

import numpy as np

from semmatch.evaluation import choose_threshold
from semmatch.evaluation import roc_auc


@dataclasses.dataclass(frozen=True)
class OverlapFloor:
    """How well `character_overlap` separates pairs of label 1 from 0.

    Attributes:
        accuracy: float, at the threshold that is best on these very pairs.
        threshold: float, label 1 is predicted from this overlap on.
        auc: float, area under the ROC curve.
    """

    accuracy: float
    threshold: float
    auc: float


def character_overlap(text_a, text_b):
    """The Dice coefficient of two texts' characters, in [0, 1].

    Twice the number of shared characters by the number of all, where a
    character that occurs twice in both texts is shared twice. White space
    around the texts does not count; two empty texts share nothing.

    >>> character_overlap("还还款", "还还钱")  # 2 * 2 / (3 + 3)
    0.6666666666666666
    """
    text_a, text_b = text_a.strip(), text_b.strip()
    shared = collections.Counter(text_a) & collections.Counter(text_b)
    return 2 * shared.total() / max(1, len(text_a) + len(text_b))


def overlap_floor(pairs):
    """`OverlapFloor` of pairs, or None unless the labels are both 0 and 1.

    >>> from semmatch.data import Pairs
    >>> overlap_floor(Pairs(["ab", "ab"], ["ab", "cd"], [1, 0]))
    OverlapFloor(accuracy=1.0, threshold=0.5, auc=1.0)
    """
    if pairs.label is None or set(np.unique(pairs.label)) != {0, 1}:
        return None
    texts = zip(pairs.text_a, pairs.text_b, strict=True)
    scores = np.array([character_overlap(a, b) for a, b in texts])
    best = choose_threshold(pairs.label, scores, by="accuracy")
    return OverlapFloor(best.accuracy, best.value, roc_auc(pairs.label, scores))
