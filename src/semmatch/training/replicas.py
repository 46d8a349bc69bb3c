"""What a loss over the examples of all replicas needs."""

import keras


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
