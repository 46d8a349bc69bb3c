"""What stands where in a batch that a student is taught on."""

import random

import keras
from keras import ops

from semmatch.data import distillation_dataset
from semmatch.data import Pairs
from semmatch.models.raw_texts import of_drawn_seed
from semmatch.models.raw_texts import raw_texts
from semmatch.training.replicas import number_of_chief


def student_part(x):
    """The student's features, of what may hold those of a teacher, too.

    >>> student_part({"student": 1, "teacher": 2}), student_part(3)
    (1, 3)
    """
    named = isinstance(x, dict) and "student" in x
    return x["student"] if named else x


def labels_of(y, sample_weight=None):
    """The labels of a batch, and weights that leave out pairs without one.

    Args:
        y: labels `(batch,)`, or a dict that may have them as `label`, NaN
            for none.
        sample_weight: `(batch,)` or None.

    Returns:
        Labels, 0 for none, and weights, None where all count alike; or None
        and None for a batch without labels.
    """
    if not isinstance(y, dict):
        return y, sample_weight
    if "label" not in y:
        return None, None
    label = ops.convert_to_tensor(y["label"])
    known = ~ops.isnan(label)
    weight = ops.cast(known, "float32")
    if sample_weight is not None:
        weight = weight * ops.reshape(
            ops.cast(sample_weight, "float32"), ops.shape(weight)
        )
    return ops.where(known, label, 0), weight


def check_labelled(label):
    """Refuses a batch without labels where the hard loss counts."""
    if label is None:
        raise ValueError(
            "The hard loss needs labels, and the data have none at all. "
            "Train by the teacher alone: `hard_loss_weight=0`."
        )


def outputs_of(y_pred):
    """What the student returned, of what the distillation model did."""
    return y_pred["outputs"] if isinstance(y_pred, dict) else y_pred


def example_mean(values, sample_weight):
    """The weighted mean of a batch, as Keras takes it of a loss.

    >>> float(example_mean(ops.array([1.0, 3.0]), None))
    2.0
    """
    return ExampleValues()(values, values, sample_weight)


class ExampleValues(keras.losses.Loss):
    """Takes what it is given for the values of a loss."""

    def call(self, y_true, y_pred):
        return y_pred


def num_replicas():
    """By how much Keras divides a loss for `tf.distribute`."""
    if keras.config.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def labels_alone(dataset):
    """A dataset whose y is a dict, with labels alone; others as they are."""
    import tensorflow as tf

    if not isinstance(dataset, tf.data.Dataset):
        return dataset
    spec = dataset.element_spec
    labelled = isinstance(spec, tuple) and len(spec) > 1
    y = spec[1] if labelled else {}
    if not isinstance(y, dict):
        return dataset
    if "label" not in y:
        raise ValueError(
            "An evaluation compares with labels, and these data have none. "
            "Give pairs with labels."
        )
    return dataset.map(lambda x, y, *weight: (x, y["label"], *weight))


def raw_distillation_dataset(model, x, y, batch_size, sample_weight):
    """A shuffled dataset of raw texts; a dataset is given on as it is.

    Args:
        model: `DistillationModel`.
        x: as of its `fit`, as are `y`, `batch_size` and `sample_weight`.
    """
    many = isinstance(x, list) and all(isinstance(part, Pairs) for part in x)
    if not (x and many):
        if isinstance(x, tuple) and y is None:
            x = Pairs(*x)
        texts = raw_texts(x, y, sample_weight, labelled=False)
        if texts is None:
            return x
        x = [texts]
    for part in x:
        if part.label is not None:
            model.student.check_labels(part.label)
    if model.teacher is None:
        raise ValueError(
            "Raw texts have no teacher's scores, and no teacher runs beside "
            "the student. Pass `distillation_dataset(pairs, "
            "distiller.preprocessor, scores)`, with scores of "
            "`teacher_scores`, or `DistillationModel(teacher, ...)`."
        )
    dataset = distillation_dataset(
        x,
        model.preprocessor,
        batch_size=64 if batch_size is None else batch_size,
        shuffle=True,
        # Python's generator, so that `set_random_seed` fixes the order.
        seed=number_of_chief(model, random.randrange(2**31)),
        sample_weight=sample_weight,
    )
    return of_drawn_seed(dataset)
