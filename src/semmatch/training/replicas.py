"""What replicas of a model tell each other."""

import keras

from semmatch.training.multi_worker import is_multi_worker


@keras.saving.register_keras_serializable(package="semmatch")
def gather_replicas(tensor):
    """The rows of all replicas, and where this replica's begin.

    The gradient of a row goes back to the replica that it came from. Without
    `tf.distribute` the rows are all there already. TensorFlow only.

    Args:
        tensor: `(rows, ...)`; replicas may have different numbers of rows.

    Returns:
        `(all rows, ...)`, in the order of the replicas, and an int scalar.

    >>> import numpy as np
    >>> rows, start = gather_replicas(np.ones((2, 3)))
    >>> rows.shape, start
    ((2, 3), 0)
    """
    if keras.config.backend() != "tensorflow":
        raise RuntimeError(
            "`gather_replicas` needs the TensorFlow backend. Received: backend "
            f"{keras.config.backend()!r}, whose `keras.distribution` gives a "
            "loss all rows. Leave it out."
        )
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    # None while Keras traces the model's shapes.
    if context is None or context.num_replicas_in_sync == 1:
        return tensor, 0
    counts = context.all_gather(tf.shape(tensor)[:1], axis=0)
    start = tf.reduce_sum(counts[: context.replica_id_in_sync_group])
    return context.all_gather(tensor, axis=0), start


def replica_share(rows):
    """By what a replica's mean is multiplied, so that all rows count alike.

    Keras takes the mean over a replica's rows, and of these means the mean.
    Of a last batch of 33 rows, 32 may go to one replica and 1 to the other,
    and without this factor that one row would count as much as the 32.

    Args:
        rows: float scalar, those of this replica.

    Returns:
        float scalar; 1 where all replicas have as many rows.
    """
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.ones_like(rows)
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, rows)
    return rows * context.num_replicas_in_sync / total


def values_of_workers(strategy, values):
    """What each worker of a strategy has for some numbers.

    All workers call it, and wait for each other.

    Args:
        strategy: `tf.distribute.Strategy`.
        values: list of n floats.

    Returns:
        float64 `(replicas, n)`, the same on all workers, the chief's first.
    """
    import tensorflow as tf

    row = tf.constant([values], "float64")

    @tf.function
    def gather():
        return tf.distribute.get_replica_context().all_gather(row, axis=0)

    gathered = strategy.run(gather)
    return strategy.experimental_local_results(gathered)[0].numpy()


def number_of_chief(model, number):
    """A number that workers draw each for itself: that of the first.

    Args:
        model: a Keras model, of several workers or not.
        number: int below 2**53.
    """
    strategy = getattr(model, "_distribute_strategy", None)
    if strategy is None or not is_multi_worker(strategy):
        return number
    return int(values_of_workers(strategy, [number])[0, 0])
