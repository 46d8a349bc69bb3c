"""From pairs and what a teacher says of them to batches to distil on."""

import numpy as np

from semmatch.data.pair_dataset import checked_weight
from semmatch.data.pair_dataset import packed_pairs
from semmatch.data.records import Pairs

# Nearer to 0 or 1 than a float32 score can say.
SMALLEST = 1e-7


def distillation_dataset(
    pairs,
    preprocessor,
    scores=None,
    *,
    batch_size=64,
    shuffle=False,
    seed=0,
    sample_weight=None,
):
    """Builds a `tf.data.Dataset` that `DistillationModel` trains on.

    Batches and their order are those of `pair_dataset`.

    Args:
        pairs: `Pairs`, or a list of `Pairs` that are mixed. Those without
            labels are taught by the teacher alone.
        preprocessor: the model's (`distiller.preprocessor`).
        scores: what a teacher says of all pairs, of `teacher_scores`, or what
            else has `logits(pairs)` and a `scoring`; None for a teacher that
            runs beside the student.
        batch_size: int, pairs in a batch; the last may hold fewer.
        shuffle: bool; without it pairs stay in the order given.
        seed: int from 0, fixes the shuffled order.
        sample_weight: float `(n,)` or None, weights of all pairs.

    Returns:
        A dataset of `(features, y)` or `(features, y, sample_weight)`; y is a
        dict of `label`, float32 `(batch,)`, NaN for none, if there are any,
        and, with `scores`, `teacher`, float32 `(batch, classes)`: logits
        whose sigmoid or softmax are the teacher's scores.

    >>> from semmatch.models import CrossEncoderPreprocessor
    >>> labelled = Pairs(["还款", "取消"], ["怎么还", "还款"], [1, 0])
    >>> unlabelled = Pairs(["取消"], ["怎么取消"])
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(labelled.text_a)
    >>> dataset = distillation_dataset([labelled, unlabelled], preprocessor)
    >>> features, y = next(iter(dataset))
    >>> y["label"].numpy().tolist()
    [1.0, 0.0, nan]
    """
    parts = [pairs] if isinstance(pairs, Pairs) else list(pairs)
    together = Pairs(
        [text for part in parts for text in part.text_a],
        [text for part in parts for text in part.text_b],
    )
    targets = {}
    if any(part.label is not None for part in parts):
        targets["label"] = _labels(parts)
    if scores is not None:
        logits = scores.logits(together)
        targets["teacher"] = target_logits(logits, scores.scoring)
    columns = {"targets": targets}
    if sample_weight is not None:
        columns["sample_weight"] = checked_weight(sample_weight, len(together))
    return packed_pairs(
        together,
        preprocessor,
        columns,
        batch_size,
        order="shuffle" if shuffle else None,
        seed=seed,
    )


def target_logits(logits, scoring):
    """Logits whose sigmoid or softmax are a teacher's scores.

    Args:
        logits: float `(n, classes)`, as the teacher gives them.
        scoring: `Scoring` of the teacher: what it is calibrated to counts.

    Returns:
        float32 `(n, classes)`.

    >>> from semmatch import Scoring
    >>> target_logits([[3.0]], Scoring("sigmoid", temperature=2.0)).tolist()
    [[1.5]]
    """
    logits = np.asarray(logits, "float32")
    if scoring.activation == "cosine":
        scores = np.clip((1 + logits) / 2, SMALLEST, 1 - SMALLEST)
        return (np.log(scores) - np.log1p(-scores)).astype("float32")
    return logits / np.float32(scoring.temperature) + np.float32(scoring.bias)


def _labels(parts):
    labels = [
        np.full(len(part), np.nan) if part.label is None else part.label
        for part in parts
    ]
    return np.concatenate([*labels, []]).astype("float32")
