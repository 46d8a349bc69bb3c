"""How a student's outputs are compared with what a teacher says."""

import keras
from keras import ops

from semmatch.losses import CoSENT
from semmatch.losses import SoftTargetKL
from semmatch.losses.soft_target_kl import TEMPERATURE
from semmatch.losses.vector_loss import check_vector_loss
from semmatch.losses.vector_loss import is_loss_of_lists


def check_soft_loss(soft_loss, temperature, student):
    """The soft loss of a student.

    Args:
        soft_loss: `"auto"`, or a `keras.losses.Loss`.
        temperature: float or None, of `"auto"` for logits.
        student: the model.

    Raises:
        ValueError: for what is no loss, and for a temperature where there is
            nothing that it softens.
    """
    automatic = isinstance(soft_loss, str) and soft_loss == "auto"
    logits = num_logits(student) is not None
    if temperature is not None and not (automatic and logits):
        received = (
            f"soft_loss={soft_loss!r}"
            if logits
            else f"a student of vectors, `{student.name}`"
        )
        raise ValueError(
            "`temperature` softens the classes of `SoftTargetKL`, the soft "
            f'loss "auto" of logits. Received: temperature={temperature} and '
            f"{received}. Leave it out."
        )
    if automatic and logits:
        return SoftTargetKL(TEMPERATURE if temperature is None else temperature)
    if automatic:
        return CoSENT(similarity=student.similarity_name)
    if not isinstance(soft_loss, keras.losses.Loss):
        raise ValueError(
            "`soft_loss` is an object, such as `semmatch.losses.SoftTargetKL()`"
            f', or "auto". Received: soft_loss={soft_loss!r}.'
        )
    if logits:
        return soft_loss
    if is_loss_of_lists(soft_loss):
        raise ValueError(
            "The teacher scores pairs, and this soft loss compares lists. "
            f"Received: soft_loss={soft_loss!r}. For lists train the "
            "`BiEncoder` itself, on `triplet_dataset(triplets, preprocessor, "
            "scores=...)`."
        )
    return check_vector_loss(
        soft_loss, student.similarity_name, student.normalize
    )


def check_hard_loss(loss):
    """Refuses what is no loss object: its values are weighed one by one."""
    if not isinstance(loss, keras.losses.Loss):
        raise ValueError(
            "The hard loss must be a `keras.losses.Loss`, such as "
            f"`semmatch.losses.CrossEntropy()`. Received: loss={loss!r}."
        )


def check_classes(teacher_classes, student):
    """Refuses a teacher of other classes than the student's.

    Args:
        teacher_classes: int, logits of the teacher. One logit and two are
            both of two classes.
        student: the model.
    """
    own = num_logits(student) or student.num_classes
    if max(2, teacher_classes) != max(2, own):
        raise ValueError(
            "A student learns the classes of its teacher. Received: a teacher "
            f"of {teacher_classes} logits and a student of {own}. Give the "
            "student the `num_classes` of the teacher."
        )


def num_logits(student):
    """Logits that a student's loss gets of a pair; None for vectors."""
    if student.takes_triplets:
        return student.pair_classes
    return student.num_classes


def soft_target(logits, student):
    """What the soft loss compares outputs with.

    Args:
        logits: float `(batch, classes)`, as of `target_logits`.
        student: the model.

    Returns:
        For a student of logits these; for one of vectors the teacher's
        scores, `(batch,)`.
    """
    check_classes(logits.shape[-1], student)
    return soft_scores(logits) if num_logits(student) is None else logits


def soft_scores(logits):
    """Scores in [0, 1] of two classes, `(batch,)`.

    >>> soft_scores(ops.array([[0.0]])).numpy().tolist()
    [0.5]
    """
    if logits.shape[-1] == 1:
        return ops.sigmoid(logits[:, 0])
    return ops.softmax(logits, axis=-1)[:, 1]
