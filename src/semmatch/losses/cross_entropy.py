"""Cross-entropy of logits, however many logits a pair has."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="semmatch")
class CrossEntropy(keras.losses.Loss):
    """Cross-entropy of classes and logits.

    One logit is that of the second of two classes. Where a model gives
    several samples of a pair's logits in training, as `dropout_samples` and
    `RDrop` make it, each counts alike.

    Args:
        label_smoothing: float in [0, 1), the share of each label that is
            spread over all classes (Szegedy et al. 2016).
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch,)`, classes; of one logit also shares in [0, 1].
        y_pred: float `(batch, classes)` or `(batch, samples, classes)`.

    >>> loss = CrossEntropy()
    >>> round(float(loss([1, 0], [[0.0], [0.0]])), 4)
    0.6931
    """

    # Times that a model runs a pair in training.
    passes = 1

    def __init__(self, label_smoothing=0.0, name="cross_entropy", **kwargs):
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "`label_smoothing` must be in [0, 1). Received: "
                f"label_smoothing={label_smoothing}."
            )
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        log_shares = log_probabilities(ops.convert_to_tensor(y_pred))
        targets = self.targets(y_true, log_shares.shape[-1])
        if len(log_shares.shape) == 3:
            log_shares = ops.mean(log_shares, axis=1)
        return -ops.sum(targets * log_shares, axis=-1)

    def targets(self, y_true, num_classes):
        """The share of each class, `(batch, classes)`, smoothed.

        NaN for labels that are none of the classes, so that the loss tells.
        """
        y_true = ops.reshape(ops.convert_to_tensor(y_true), (-1,))
        known = (y_true >= 0) & (y_true <= num_classes - 1)
        if num_classes == 2:
            # Graded labels of one logit are shares of the second class.
            second = ops.cast(y_true, self.dtype)
            targets = ops.stack([1 - second, second], axis=-1)
        else:
            targets = ops.one_hot(
                ops.cast(y_true, "int32"), num_classes, dtype=self.dtype
            )
        targets = ops.where(known[:, None], targets, np.nan)
        smoothing = self.label_smoothing
        return targets * (1 - smoothing) + smoothing / num_classes

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def log_probabilities(logits):
    """Logarithms of the classes' shares; two classes for one logit.

    >>> log_probabilities(ops.zeros((3, 1))).shape
    TensorShape([3, 2])
    """
    if logits.shape[-1] > 1:
        return ops.log_softmax(logits, axis=-1)
    return ops.log_sigmoid(ops.concatenate([-logits, logits], axis=-1))
