"""Which losses a model of logits can be trained with."""

from semmatch.losses.cross_entropy import CrossEntropy


def check_loss(loss, samples=1):
    """The loss to train with, if it is one of logits.

    Args:
        loss: `"auto"` for `CrossEntropy()`, or as of `keras.Model.compile`.
        samples: int, how many logits a pair has in training.

    Raises:
        ValueError: for a loss named by a string, which expects probabilities,
            and for one that cannot take several logits a pair.

    >>> check_loss("auto").name
    'cross_entropy'
    """
    if isinstance(loss, list | tuple | dict):
        if len(loss) != 1:
            raise ValueError(
                "The model has one output, and so one loss. Received: "
                f"loss={loss!r}."
            )
        loss = next(iter(loss.values() if isinstance(loss, dict) else loss))
    if isinstance(loss, str) and loss == "auto":
        loss = CrossEntropy()
    if isinstance(loss, str):
        raise ValueError(
            "The model returns logits and a loss named by a string expects "
            "probabilities. Pass an object, for instance "
            "`keras.losses.BinaryCrossentropy(from_logits=True)`, or "
            f"leave it out. Received: loss={loss!r}."
        )
    if samples > 1 and not isinstance(loss, CrossEntropy):
        raise ValueError(
            "With `dropout_samples` a pair has several logits in training, "
            "which `CrossEntropy` and `RDrop` of semmatch.losses take. "
            f"Received: loss={loss!r}."
        )
    return loss
