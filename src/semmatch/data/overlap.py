"""What shared characters alone tell of the labels: a floor for models."""

import dataclasses

import numpy as np

from semmatch._overlap import character_overlap
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
