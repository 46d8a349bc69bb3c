"""How much each class counts where there are few of one."""

import numpy as np

from semmatch.evaluation.inputs import check_labels


def balanced_class_weight(labels):
    """Weights under which all classes count alike, for `fit(class_weight=)`.

    Scores that are trained so are no shares of the data any more: calibrate
    them (`CrossEncoder.fit_temperature`) or choose a threshold.

    Args:
        labels: integers `(n,)`.

    Returns:
        A dict from class to weight: examples / (classes * examples of it),
        as `class_weight="balanced"` of scikit-learn.

    >>> balanced_class_weight([0, 0, 0, 1])
    {0: 0.6666666666666666, 1: 2.0}
    """
    labels = check_labels(labels, "labels")
    classes, counts = np.unique(labels, return_counts=True)
    weights = len(labels) / (len(classes) * counts)
    return dict(zip(classes.tolist(), weights.tolist(), strict=True))
