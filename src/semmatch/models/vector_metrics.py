"""Which metrics and scores a model of vectors has by default, and may have."""

import keras
import numpy as np

from semmatch.losses import SimCSE


def vector_metrics(list_loss, similarity, normalize):
    """The metrics of a training that names none.

    Args:
        list_loss: the loss, if it ranks passages of queries, else None.
        similarity: string, the model's.
        normalize: bool, whether its vectors have the length 1.

    >>> [metric.name for metric in vector_metrics(None, "cosine", True)]
    ['auc']
    """
    if isinstance(list_loss, SimCSE):
        return []  # without dropout a text always finds itself
    if list_loss is not None:
        # Of queries, which find their own passage first in the batch.
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    bounded = similarity == "cosine" or (
        normalize and similarity in ("dot", "euclidean")
    )
    # Else unfitted scores are all 0 or 1, and an area says nothing.
    if not bounded:
        return []
    # Cosines of an encoder that nobody trained for it are all near 1.
    return [keras.metrics.AUC(num_thresholds=2000, name="auc")]


def check_metrics_of(label, metrics):
    """Refuses the area under a curve of labels that are grades.

    Args:
        label: numbers `(n,)`.
        metrics: what Keras made of the metrics of `compile`, or None.

    >>> check_metrics_of(np.array([0, 1]), None)
    """
    # Those that were asked for; they are not built before the first batch.
    asked = keras.tree.flatten(getattr(metrics, "_user_metrics", None) or [])
    areas = [
        getattr(metric, "name", metric)
        for metric in asked
        if metric in ("auc", "AUC") or isinstance(metric, keras.metrics.AUC)
    ]
    grades = np.flatnonzero((label != 0) & (label != 1))
    if areas and grades.size:
        raise ValueError(
            f"The metric `{areas[0]}` is of labels 0 and 1. Received: grades, "
            f"label[{grades[0]}]={label[grades[0]]}. Compile with `metrics=["
            f"semmatch.metrics.Spearman(({label.min():g}, {label.max():g}))]`, "
            "or with `metrics=None` to watch the loss alone."
        )


def check_similarity_scoring(scoring, similarity, normalize):
    """Refuses how logits, but not similarities, become scores.

    Args:
        scoring: `Scoring`.
        similarity: string, the model's.
        normalize: bool, whether its vectors have the length 1.

    >>> from semmatch import Scoring
    >>> check_similarity_scoring(Scoring("cosine"), "cosine", True)
    """
    if scoring.long == "max":
        raise ValueError(
            '`long="max"` is of models that read two texts together. '
            "Encode the parts of a passage as passages, and name it by "
            "`groups` in `rank`."
        )
    is_cosine = similarity == "cosine" or (normalize and similarity == "dot")
    if scoring.activation == "cosine" and not is_cosine:
        raise ValueError(
            'The activation "cosine" is of similarities in [-1, 1]. '
            f"Received: similarity={similarity!r} and normalize="
            f'{normalize}. Take "sigmoid", and fit it to labelled '
            "pairs by `fit_temperature`."
        )
