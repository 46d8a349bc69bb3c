"""The training step of a replica, which has a part of the batch."""

from semmatch.training.gradients import finish_step
from semmatch.training.gradients import is_mean
from semmatch.training.gradients import loss_and_gradients
from semmatch.training.gradients import num_rows
from semmatch.training.replicas import replica_share


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

    share = tf.ones(())
    if is_mean(model.loss):
        share = replica_share(num_rows(data[0]))
    found = loss_and_gradients(model, data, share)
    return finish_step(model, data, *found, share)
