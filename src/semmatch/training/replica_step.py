"""The training step of a replica, which has a part of the batch."""

import keras
from keras import tree

from semmatch.training.gradients import loss_and_gradients
from semmatch.training.gradients import update_loss
from semmatch.training.microbatch import apply_gradients
from semmatch.training.microbatch import num_rows
from semmatch.training.replicas import replica_share

_MEANS = ("sum_over_batch_size", "mean")


def replica_step(model, data):
    """`train_step` of a Keras model by replicas, on whose rows all count alike.

    The step is that of one device on the whole batch, also where its parts
    are not of one size, see `replica_share`.

    Args:
        model: a compiled Keras model.
        data: the replica's part of a batch, as `train_step` gets it.

    Returns:
        The dict of metrics that `train_step` returns.
    """
    import tensorflow as tf

    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    rows = num_rows(x)
    share = replica_share(rows) if is_mean(model.loss) else tf.ones(())
    loss, y_pred, gradients = loss_and_gradients(model, data, share)
    apply_gradients(model, gradients)
    # Keras divides by the replicas, whose gradients are added up.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    own = tf.math.divide_no_nan(loss * replicas, share)
    update_loss(model, own, rows)
    return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)


def is_mean(loss):
    """Whether a loss, or each of several, is a mean over examples.

    >>> is_mean(["mse", keras.losses.Huber()])
    True
    >>> is_mean(keras.losses.Huber(reduction="sum"))
    False
    """
    return all(
        getattr(part, "reduction", "mean") in _MEANS
        for part in tree.flatten(loss)
    )
