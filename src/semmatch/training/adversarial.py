"""A training step against the worst small change of the embeddings."""

import keras

from semmatch.training.gradients import added
from semmatch.training.gradients import finish_step
from semmatch.training.gradients import loss_and_gradients
from semmatch.training.optimizers import each_row_once


def check_attackable(backbone, epsilon, micro_batch_size):
    """Refuses what `adversarial_step` cannot train.

    Args:
        backbone: an encoder; its `token_embedding` is what is changed.
        epsilon: float, the norm of the change.
        micro_batch_size: int or None, of `micro_batch_step`.

    Raises:
        ValueError: on another backend than TensorFlow, for a backbone
            without a `token_embedding` layer that is trained, an `epsilon` of
            0 or below, and beside micro-batches.
    """
    if not epsilon > 0:
        raise ValueError(
            "`adversarial_epsilon` must be above 0. Received: "
            f"adversarial_epsilon={epsilon}."
        )
    if micro_batch_size is not None:
        raise ValueError(
            "`adversarial_epsilon` and `micro_batch_size` are both steps of "
            "their own and exclude each other. Received both."
        )
    if keras.config.backend() != "tensorflow":
        raise ValueError(
            "`adversarial_epsilon` needs the TensorFlow backend. Received: "
            f"backend {keras.config.backend()!r}. Leave it out; a saved model "
            "is loaded by `load_model(path, compile=False)`."
        )
    layer = token_embedding(backbone)
    table = getattr(layer, "embeddings", None)
    # With LoRA it is a sum, and what is trained are its parts.
    if not (isinstance(table, keras.Variable) and table.trainable):
        raise ValueError(
            "`adversarial_epsilon` changes the `token_embedding` of the "
            f"backbone, and `{type(backbone).__name__}` has "
            f"{'none' if layer is None else 'frozen it'}. Leave it out."
        )


def token_embedding(backbone):
    """The layer of a backbone that has a vector for each token, or None."""
    names = [layer.name for layer in backbone.layers]
    if "token_embedding" not in names:
        return None
    return backbone.get_layer("token_embedding")


def adversarial_step(model, data, epsilon):
    """`train_step` of a Keras model with the fast gradient method.

    A second pass runs with the token embeddings moved by `epsilon` in the
    direction in which the loss grows fastest; the step is that of the sum of
    both gradients. It costs twice a step.

    Source: Miyato et al. 2017, "Adversarial training methods for
    semi-supervised text classification"; on the table of embeddings, as
    Chinese BERT models are commonly trained with it.

    Args:
        model: a compiled Keras model with a `backbone` that
            `check_attackable` admits.
        data: a batch, as `train_step` gets it.
        epsilon: float, the norm of the change of the table.

    Returns:
        The dict of metrics that `train_step` returns.
    """
    import tensorflow as tf

    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        raise ValueError(
            "`adversarial_epsilon` changes the weights for half a step, which "
            "replicas cannot do each for itself. Train without "
            "`tf.distribute`, or leave it out."
        )
    loss, y_pred, gradients = loss_and_gradients(model, data)
    table = token_embedding(model.backbone).embeddings
    place = [id(variable) for variable in model.trainable_variables]
    place = place.index(id(table))
    slices = each_row_once(gradients[place])
    rows = getattr(slices, "indices", tf.range(table.shape[0]))
    values = getattr(slices, "values", slices)
    before = tf.gather(table.value, rows)
    move = epsilon * tf.math.divide_no_nan(values, tf.norm(values))
    table.value.scatter_update(tf.IndexedSlices(before + move, rows))
    _, _, attacked = loss_and_gradients(model, data)
    # As they were, to the bit.
    table.value.scatter_update(tf.IndexedSlices(before, rows))
    both = map(added, gradients, attacked)
    return finish_step(model, data, loss, y_pred, list(both))
