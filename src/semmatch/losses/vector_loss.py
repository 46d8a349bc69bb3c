"""Which losses a model of vectors can be trained with, and on what."""

import warnings

import keras
import numpy as np

from semmatch.losses.cosent import CoSENT
from semmatch.losses.cross_entropy import CrossEntropy
from semmatch.losses.info_nce import InfoNCE
from semmatch.losses.listwise_kl import ListwiseKL
from semmatch.losses.loss_sum import label_range
from semmatch.losses.margin_mse import MarginMSE
from semmatch.losses.soft_target_kl import SoftTargetKL
from semmatch.losses.triplet import Triplet


def check_vector_loss(loss, similarity, normalize=False, pair_classes=None):
    """The loss to train with, if it is one of vectors.

    Args:
        loss: `"auto"`, or a `keras.losses.Loss` of `(batch, texts, dim)`.
        similarity: string, the model's, for `CoSENT`.
        normalize: bool, whether its vectors have the length 1.
        pair_classes: int or None, classes of the head that the model has for
            pairs: it is trained by `CrossEntropy`.

    Raises:
        ValueError: for a loss of logits, ours or Keras's, which might train
            something without an error; with a head for any other loss.

    >>> check_vector_loss("auto", "dot").similarity
    'dot'
    """
    automatic = isinstance(loss, str) and loss == "auto"
    if pair_classes is not None:
        loss = CrossEntropy() if automatic else loss
        if not isinstance(loss, CrossEntropy) or loss.passes > 1:
            raise ValueError(
                "A model with `pair_classes` trains that head, by "
                f"`semmatch.losses.CrossEntropy()`. Received: loss={loss!r}. "
                "Leave `pair_classes` out to train vectors."
            )
        return loss
    if automatic:
        return CoSENT(similarity=similarity)
    if not isinstance(loss, keras.losses.Loss) or any(
        isinstance(part, CrossEntropy | SoftTargetKL)
        or type(part).__module__.startswith("keras.")
        for part in _parts(loss)
    ):
        raise ValueError(
            "The model returns vectors, and a loss of vectors is an object, "
            f"such as `semmatch.losses.CoSENT()`. Received: loss={loss!r}. "
            "Cross-entropy needs the head of `BiEncoder(pair_classes=...)`."
        )
    _warn_of_similarity(loss, similarity, normalize)
    return loss


def check_vector_labels(label, loss, pair_classes=None):
    """Refuses labels of pairs that a loss cannot learn.

    Args:
        label: numbers `(n,)`.
        loss: as of `check_vector_loss`; its `label_range` are the lowest and
            the highest label, absent where only their order counts.
        pair_classes: int or None, of the model.

    Raises:
        ValueError: if one is outside of the scale; for a loss of lists, which
            would take labels for groups of texts that mean the same.

    >>> check_vector_labels(np.array([0, 5]), CoSENT())
    """
    if is_loss_of_lists(loss):
        raise_of_pairs(loss)
    low, high = label_range(loss)
    if pair_classes is not None:
        low, high = 0, pair_classes - 1
    wrong = (label < low) | (label > high)
    if pair_classes is not None:
        wrong |= label % 1 != 0
    rows = np.flatnonzero(wrong)
    if rows.size:
        raise ValueError(
            f"Labels of pairs must be in [{low}, {high}] for `{loss.name}`. "
            f"Received: label[{rows[0]}]={label[rows[0]]}, and {rows.size} "
            "such labels. Scale them, or train by `CoSENT`, for which only "
            "their order counts."
        )


def raise_of_pairs(loss):
    """Says what a loss of lists is trained on instead of labelled pairs."""
    raise ValueError(
        f"`{loss.name}` is a loss of lists and takes `Triplets`: a group for "
        "each text, not a label for each pair. Received: labelled pairs. Pass "
        "`Triplets.from_pairs(pairs)`, or train by `CoSENT`."
    )


def is_loss_of_lists(loss):
    """Whether a loss ranks passages of queries, other than of scored pairs.

    >>> is_loss_of_lists(CoSENT())
    False
    """
    of_lists = InfoNCE | Triplet | MarginMSE | ListwiseKL
    return any(isinstance(part, of_lists) for part in _parts(loss))


def _parts(loss):
    """What a sum of losses or a loss at several widths is made of."""
    if hasattr(loss, "losses"):
        return [part for each in loss.losses for part in _parts(each)]
    return _parts(loss.loss) if hasattr(loss, "loss") else [loss]


def _warn_of_similarity(loss, similarity, normalize):
    """Of vectors that are compared in another way than they are trained."""
    for part in _parts(loss):
        own = getattr(part, "similarity", similarity)
        # Of vectors of length 1 it is the same number.
        same = normalize and {own, similarity} == {"cosine", "dot"}
        if own != similarity and not same:
            warnings.warn(
                f"`{part.name}` trains the similarity {own!r}, and the model "
                f"scores by {similarity!r}. Pass similarity={similarity!r} to "
                "the loss, unless this is meant.",
                stacklevel=5,
            )
