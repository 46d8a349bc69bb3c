"""A training step that runs its batch in parts (TensorFlow only)."""

import keras
from keras import tree

from semmatch.training.gradients import added
from semmatch.training.gradients import finish_step
from semmatch.training.gradients import is_mean
from semmatch.training.gradients import loss_and_gradients
from semmatch.training.gradients import num_rows
from semmatch.training.replicas import replica_share

# Keras's losses whose one value depends on several examples.
_BATCH_LEVEL = (keras.losses.Circle, keras.losses.Dice, keras.losses.Tversky)


def check_splittable(loss, caches_gradients=False):
    """Refuses a loss whose values on parts do not add up to the whole.

    Args:
        loss: as of `keras.Model.compile`. A loss that compares the examples
            of a batch with each other has an attribute `batch_level = True`.
        caches_gradients: bool, whether the model can train by such a loss all
            the same, see `grad_cache_step`.

    Raises:
        ValueError: if it is one that the model cannot train by, or no mean
            over examples, or the backend is not TensorFlow.

    >>> check_splittable(keras.losses.BinaryCrossentropy())
    """
    if keras.config.backend() != "tensorflow":
        raise ValueError(
            "`micro_batch_size` needs the TensorFlow backend. Received: "
            f"backend {keras.config.backend()!r}. Save memory there by "
            "`activation_checkpointing=True` or smaller batches."
        )
    for part in tree.flatten(loss):
        name = getattr(part, "name", part)
        if is_batch_level(part):
            if caches_gradients:
                continue
            raise ValueError(
                "`micro_batch_size` computes the loss on parts of a batch, "
                f"but `{name}` compares all examples of a batch with each "
                "other, so the parts would train something else. Leave it "
                "out, and save memory by `activation_checkpointing=True`."
            )
        if not is_mean(part):
            raise ValueError(
                "`micro_batch_size` needs a loss that is a mean over the "
                f"batch. Received: `{name}` with reduction="
                f"{part.reduction!r}. Take 'sum_over_batch_size'."
            )


def is_batch_level(loss):
    """Whether a loss compares the examples of a batch with each other."""
    return getattr(loss, "batch_level", False) or isinstance(loss, _BATCH_LEVEL)


def micro_batch_step(model, data, micro_batch_size):
    """`train_step` of a Keras model, a few examples at a time.

    The gradients of the parts are added up and applied once: memory is that
    of a part and the step is that of the whole batch, also where the parts
    are not of one size. Under `tf.distribute` a batch is that of a replica.

    Args:
        model: a compiled Keras model, its loss as `check_splittable` has it.
        data: a batch, as `train_step` gets it.
        micro_batch_size: int, examples in a part.

    Returns:
        The dict of metrics that `train_step` returns.
    """
    import tensorflow as tf

    rows = num_rows(data[0])
    of_replica = replica_share(rows)

    def run(start):
        part = rows_of(data, start, micro_batch_size)
        # A replica may get a batch without rows.
        share = tf.math.divide_no_nan(num_rows(part[0]), rows)
        return loss_and_gradients(model, part, share * of_replica)

    found = in_parts(run, rows, micro_batch_size)
    return finish_step(model, data, *found, of_replica)


def in_parts(run, rows, size):
    """Runs a batch part by part.

    Args:
        run: function from the first row of a part to a loss, outputs and a
            list of gradients, each None if it is not reached.
        rows: float scalar, the rows of the batch.
        size: int, rows of a part.

    Returns:
        The sum of the losses, the outputs of all rows, and the list of the
        sums of the gradients.
    """
    import tensorflow as tf

    def add(start, loss, y_pred, gradients):
        part_loss, part_pred, part_gradients = run(start)
        parts = [part for part in part_gradients if part is not None]
        return (
            start + size,
            loss + part_loss,
            tree.map_structure(_joined, y_pred, part_pred),
            list(map(added, gradients, parts)),
        )

    # Outside of the loop, which has to know what there is to add to.
    loss, y_pred, gradients = run(0)
    places = [i for i, part in enumerate(gradients) if part is not None]
    reached = [gradients[place] for place in places]
    # One part after the other, else several are in memory together.
    with tf.control_dependencies([loss, *tree.flatten(y_pred), *reached]):
        start = tf.identity(size)
    _, loss, y_pred, reached = tf.while_loop(
        lambda start, *_: tf.cast(start, rows.dtype) < rows,
        add,
        (start, loss, y_pred, reached),
        parallel_iterations=1,
        shape_invariants=(
            tf.TensorShape([]),
            loss.shape,
            tree.map_structure(_any_rows, y_pred),
            [
                _any_rows(gradient.values)
                if isinstance(gradient, tf.IndexedSlices)
                else gradient.shape
                for gradient in reached
            ],
        ),
    )
    for place, gradient in zip(places, reached, strict=True):
        gradients[place] = gradient
    return loss, y_pred, gradients


def rows_of(data, start, size):
    """A part of a batch, which may hold None in place of a tensor."""
    return tree.map_structure(
        lambda tensor: None if tensor is None else tensor[start : start + size],
        data,
    )


def _any_rows(tensor):
    import tensorflow as tf

    return tf.TensorShape([None, *tensor.shape[1:]])


def _joined(total, part):
    import tensorflow as tf

    return tf.concat([total, part], axis=0)
