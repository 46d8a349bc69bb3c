"""What training steps of our own are made of (TensorFlow only)."""

import keras


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


def update_loss(model, loss, rows):
    """Counts the loss of a batch of so many rows, as Keras's step does."""
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss, sample_weight=rows)
