"""The gradient of a loss over a batch that is too large for memory."""

import keras
from keras import ops

from semmatch.training.gradients import added
from semmatch.training.gradients import finish_step
from semmatch.training.gradients import num_rows
from semmatch.training.microbatch import in_parts
from semmatch.training.microbatch import rows_of
from semmatch.training.replicas import replica_share


def grad_cache_step(model, data, micro_batch_size):
    """`train_step` of a model of vectors, a few examples at a time.

    Each part is encoded once without keeping what a gradient needs; the loss
    of all vectors gives a gradient for each vector; then each part is encoded
    again, from the same random seeds, and carries that gradient to the
    weights. The step is that of the whole batch, whose examples may all be
    negatives of each other, at the memory of a part and a third more time.

    Source: Gao et al. 2021, "Scaling deep contrastive learning batch size
    under memory limited setup" (GradCache).

    Args:
        model: a compiled Keras model whose outputs are vectors.
        data: a batch, as `train_step` gets it.
        micro_batch_size: int, examples in a part.

    Returns:
        The dict of metrics that `train_step` returns.
    """
    import tensorflow as tf

    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    rows = num_rows(x)
    # Among them the seeds of dropout.
    state = model.non_trainable_variables
    before = [ops.copy(variable.value) for variable in state]

    def encode(start):
        part = rows_of(x, start, micro_batch_size)
        return tf.zeros([]), model(part, training=True), []

    _, vectors, _ = in_parts(encode, rows, micro_batch_size)
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        loss = model.compute_loss(x, y, vectors, sample_weight, training=True)
        scaled = model.optimizer.scale_loss(loss * replica_share(rows))
    # Of weights, too: those that a penalty names.
    cached, *direct = tape.gradient(
        scaled, [vectors, *model.trainable_variables]
    )
    for variable, value in zip(state, before, strict=True):
        variable.assign(value)

    def carry(start):
        part = rows_of(x, start, micro_batch_size)
        with tf.GradientTape() as tape:
            again = model(part, training=True)
            product = tf.reduce_sum(
                again * rows_of(cached, start, micro_batch_size)
            )
        gradients = tape.gradient(product, model.trainable_variables)
        # The loop adds up outputs as well, which are there already.
        return tf.zeros([]), again[:, :0], gradients

    _, _, gradients = in_parts(carry, rows, micro_batch_size)
    gradients = [
        one if other is None else added(other, one)
        for one, other in zip(gradients, direct, strict=True)
    ]
    return finish_step(model, data, loss, vectors, gradients)
