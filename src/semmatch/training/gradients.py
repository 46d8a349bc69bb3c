"""What training steps of our own are made of (TensorFlow only)."""

import keras
from keras import tree

_MEANS = ("sum_over_batch_size", "mean")


def loss_and_gradients(model, data, share=None):
    """One pass through a Keras model and back.

    Args:
        model: a compiled Keras model.
        data: a batch or a part of one, as `train_step` gets it.
        share: scalar that the loss is multiplied by, or None.

    Returns:
        Loss, outputs, and gradients of the trainable variables.
    """
    import tensorflow as tf

    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
        if share is not None:
            loss *= share
        scaled = model.optimizer.scale_loss(loss)
    return loss, y_pred, tape.gradient(scaled, model.trainable_variables)


def added(one, two):
    """The sum of two gradients of one variable, None if it has none."""
    import tensorflow as tf

    if one is None:
        return None
    if isinstance(one, tf.IndexedSlices):
        return tf.IndexedSlices(
            tf.concat([one.values, two.values], axis=0),
            tf.concat([one.indices, two.indices], axis=0),
            one.dense_shape,
        )
    return one + two


def finish_step(model, data, loss, y_pred, gradients, share=1.0):
    """What each training step ends with.

    Args:
        model: a compiled Keras model.
        data: the replica's batch, as `train_step` gets it.
        loss: scalar of that batch, times `share`.
        y_pred: outputs of that batch.
        gradients: list, one for each trainable variable; those that are None
            leave their variable as it is.
        share: as of `replica_share`.

    Returns:
        The dict of metrics that `train_step` returns.
    """
    import tensorflow as tf

    model.optimizer.apply_gradients(
        (gradient, variable)
        for gradient, variable in zip(
            gradients, model.trainable_variables, strict=True
        )
        if gradient is not None
    )
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    # Keras divides by the replicas, whose gradients are added up.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    own = tf.math.divide_no_nan(loss * replicas, share)
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(own, sample_weight=num_rows(x))
    return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)


def num_rows(x):
    """The rows of a batch of features, a float scalar."""
    import tensorflow as tf

    return tf.cast(tf.shape(tree.flatten(x)[0])[0], "float32")


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
