"""The optimizer that encoders are fine-tuned with."""

import collections
import functools

import keras
from keras import ops

# Biases, the parameters of layer normalisation, and embeddings, by variable
# name: decay would shrink the vectors of words that the data does not hold.
_NOT_DECAYED = ("bias", "beta", "gamma", "embeddings")

# A gradient and what it is yet to be multiplied by.
_Clipped = collections.namedtuple("_Clipped", ["gradient", "scale"])


@keras.saving.register_keras_serializable(package="semmatch")
class AdamW(keras.optimizers.AdamW):
    """AdamW as BERT is fine-tuned, with little work for embeddings.

    Biases, normalisation and embeddings are not decayed. The exceptions are
    part of the class, so that they survive saving (those of
    `keras.optimizers.AdamW.exclude_from_weight_decay` do not).

    On TensorFlow clipping, decay and the step are one pass over a variable,
    and the norm of the gradients is taken after replicas have added theirs
    up (Keras clips each replica's own). The rows of an embedding that a
    batch does not hold stay as they are, their moments too: the table of an
    encoder is most of its parameters, and a batch holds few of its rows.
    Rows that stand in a batch more than once are added up first, which
    Keras's own optimizers omit in norms and squares.

    Source: Loshchilov and Hutter 2017; the exceptions are those of Devlin et
    al. 2018; the rows are those of TensorFlow Addons' LazyAdam.

    Args:
        learning_rate: float or schedule, such as `LinearWarmup`.
        weight_decay: float, the share by which weights shrink each step, in
            units of the learning rate.
        epsilon: float.
        global_clipnorm: float or None, the largest norm of all gradients
            together.
        lazy: bool; False updates all rows of an embedding at each step.
        **kwargs: as of `keras.optimizers.AdamW`.

    >>> AdamW(3e-5).weight_decay
    0.01
    """

    def __init__(
        self,
        learning_rate=5e-5,
        weight_decay=0.01,
        epsilon=1e-8,
        global_clipnorm=1.0,
        lazy=True,
        **kwargs,
    ):
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            epsilon=epsilon,
            global_clipnorm=global_clipnorm,
            **kwargs,
        )
        self.lazy = lazy
        self.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))

    # On TensorFlow the next two wait for the step, see `update_step`.
    def _clip_gradients(self, grads):
        if not _on_tensorflow():
            return super()._clip_gradients(grads)
        if self.global_clipnorm:
            return grads
        return super()._clip_gradients([_each_row_once(x) for x in grads])

    def _apply_weight_decay(self, variables):
        if not _on_tensorflow():
            super()._apply_weight_decay(variables)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """TensorFlow's last step before the update, in each replica."""
        summed = super()._all_reduce_sum_gradients(grads_and_vars)
        grads = [self._merged(grad, variable) for grad, variable in summed]
        scale = ops.ones(())
        if self.global_clipnorm:
            limit = self.global_clipnorm
            scale = limit / ops.maximum(_global_norm(grads), limit)
        return [
            (_Clipped(grad, scale), variable)
            for grad, (_, variable) in zip(grads, summed, strict=True)
        ]

    def _merged(self, gradient, variable):
        """Some rows of a table, each once, or the whole gradient."""
        import tensorflow as tf

        if not isinstance(gradient, tf.IndexedSlices):
            return gradient
        if not self.lazy or self.amsgrad or self._use_weight_decay(variable):
            # Keras's own `convert_to_tensor` leaves slices as they are.
            return tf.convert_to_tensor(gradient)
        return _each_row_once(gradient)

    def update_step(self, gradient, variable, learning_rate):
        if not _on_tensorflow():
            super().update_step(gradient, variable, learning_rate)
            return
        gradient, scale = gradient
        learning_rate = ops.cast(learning_rate, "float32")
        decay = self.weight_decay if self._use_weight_decay(variable) else 0
        decay = learning_rate * (decay or 0)
        if self.amsgrad:
            decay, scale = (ops.cast(x, variable.dtype) for x in (decay, scale))
            self.assign_sub(variable, variable * decay)
            gradient = ops.cast(gradient, variable.dtype) * scale
            super().update_step(gradient, variable, learning_rate)
            return
        step = ops.cast(self.iterations + 1, "float32")
        rate = (
            learning_rate
            * ops.sqrt(1 - ops.power(self.beta_2, step))
            / (1 - ops.power(self.beta_1, step))
        )
        index = self._get_variable_index(variable)
        moments = self._momentums[index], self._velocities[index]
        state = variable, *(moment.value for moment in moments)
        constants = self.beta_1, self.beta_2, self.epsilon
        update = _update_rows if hasattr(gradient, "indices") else _update_all
        update(state, gradient, (scale, decay, rate), constants)

    def get_config(self):
        return {**super().get_config(), "lazy": self.lazy}


def _on_tensorflow():
    return keras.config.backend() == "tensorflow"


def _each_row_once(gradient):
    """`tf.IndexedSlices` with repeated rows added up; others as they are."""
    import tensorflow as tf

    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(
        gradient.values, places, tf.size(rows)
    )
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def _global_norm(grads):
    import tensorflow as tf

    # `l2_loss` is half the sum of squares in one pass.
    halves = [tf.nn.l2_loss(getattr(grad, "values", grad)) for grad in grads]
    return tf.sqrt(2 * sum(tf.cast(half, "float32") for half in halves))


def _stepped(state, gradient, factors, constants):
    """Values of a variable and of its two moments after a step."""
    variable, mean, square = state
    scale, decay, rate = (ops.cast(x, variable.dtype) for x in factors)
    beta_1, beta_2, epsilon = constants
    gradient = ops.cast(gradient, variable.dtype) * scale
    mean = mean + (gradient - mean) * (1 - beta_1)
    square = square + (gradient * gradient - square) * (1 - beta_2)
    change = rate * mean / (ops.sqrt(square) + epsilon)
    return variable - decay * variable - change, mean, square


def _update_all(state, gradient, factors, constants):
    handles = [part.handle for part in state]
    _compiled_update()(handles, gradient, factors, constants, state[0].dtype)


@functools.cache
def _compiled_update():
    """Updates in place, compiled so that memory is passed over once."""
    import tensorflow as tf

    # Handles and not variables, which the function would hold on to.
    @tf.function(jit_compile=True, autograph=False)
    def update(handles, gradient, factors, constants, dtype):
        read, assign = tf.raw_ops.ReadVariableOp, tf.raw_ops.AssignVariableOp
        state = [read(resource=handle, dtype=dtype) for handle in handles]
        stepped = _stepped(state, gradient, factors, constants)
        for handle, value in zip(handles, stepped, strict=True):
            assign(resource=handle, value=value)

    return update


def _update_rows(state, gradient, factors, constants):
    """Updates the rows of `tf.IndexedSlices` alone."""
    import tensorflow as tf

    rows = gradient.indices
    values = [tf.gather(part, rows) for part in state]
    stepped = _stepped(values, gradient.values, factors, constants)
    for part, value in zip(state, stepped, strict=True):
        part.scatter_update(tf.IndexedSlices(value, rows))
