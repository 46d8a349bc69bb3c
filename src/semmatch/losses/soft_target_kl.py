"""A student's class shares shall be a teacher's, softened."""

import keras
from keras import ops

from semmatch._checks import check_positive
from semmatch.losses.cross_entropy import log_probabilities

# What `SoftTargetKL` and `DistillationModel` soften by.
TEMPERATURE = 4.0


@keras.saving.register_keras_serializable(package="semmatch")
class SoftTargetKL(keras.losses.Loss):
    """The divergence of a student's classes from a teacher's.

    `T**2 * KL(p_t || p_s)`: p are the softmax of logits divided by T, of one
    logit the sigmoid and its rest. A high T brings out how a teacher sees the
    wrong classes; the factor keeps the gradient of one size, whatever T is.

    Source: Hinton et al. 2015, "Distilling the knowledge in a neural
    network".

    Args:
        temperature: float above 0, the T.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: float `(batch, classes)`, the teacher's logits. One logit and
            two are both of two classes, and go together.
        y_pred: float `(batch, classes)`, the student's, or `(batch, samples,
            classes)`, which count alike.

    >>> loss = SoftTargetKL(temperature=1.0)
    >>> round(float(loss([[0.0]], [[1.0]])), 4)  # log(cosh(1 / 2))
    0.1201
    """

    def __init__(
        self, temperature=TEMPERATURE, name="soft_target_kl", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.temperature = check_positive(temperature, "temperature")

    def call(self, y_true, y_pred):
        y_true = ops.convert_to_tensor(y_true)
        y_pred = ops.convert_to_tensor(y_pred)
        teacher = log_probabilities(y_true / self.temperature)
        student = log_probabilities(y_pred / self.temperature)
        if teacher.shape[-1] != student.shape[-1]:
            raise ValueError(
                f"`{self.name}` compares the same classes. Received: "
                f"y_true of shape {tuple(y_true.shape)} and y_pred of shape "
                f"{tuple(y_pred.shape)}. Take a teacher and a student of the "
                "same `num_classes`."
            )
        if len(student.shape) == 3:
            # The divergence is linear in what is logarithmic.
            student = ops.mean(student, axis=1)
        apart = ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)
        return self.temperature**2 * apart

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
