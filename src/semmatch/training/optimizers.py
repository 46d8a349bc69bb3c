"""The optimizer that encoders are fine-tuned with."""

import keras
from keras import ops

# Biases, the parameters of layer normalisation, and embeddings, by variable
# name: decay would shrink the vectors of words that the data does not hold.
_NOT_DECAYED = ("bias", "beta", "gamma", "embeddings")


@keras.saving.register_keras_serializable(package="semmatch")
class AdamW(keras.optimizers.AdamW):
    """AdamW as BERT is fine-tuned, with little work for embeddings.

    Biases, normalisation and embeddings are not decayed. The exceptions are
    part of the class, so that they survive saving (those of
    `keras.optimizers.AdamW.exclude_from_weight_decay` do not).

    On TensorFlow the rows of an embedding that a batch does not hold stay as
    they are, their moments too: the table of an encoder is most of its
    parameters, and a batch holds few of its rows. Rows that stand in a batch
    more than once are added up first, which Keras's own optimizers omit in
    norms and squares.

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

    def apply(self, grads, trainable_variables=None):
        merge = _merged if self.lazy and not self.amsgrad else _dense
        super().apply([merge(grad) for grad in grads], trainable_variables)

    def _clip_gradients(self, grads):
        # Keras's own makes slices dense.
        if not self.global_clipnorm:
            return super()._clip_gradients(grads)
        squares = [
            ops.sum(ops.square(getattr(grad, "values", grad))) for grad in grads
        ]
        norm = ops.sqrt(sum(squares))
        scale = self.global_clipnorm / ops.maximum(norm, self.global_clipnorm)
        return [_scaled(grad, scale) for grad in grads]

    def update_step(self, gradient, variable, learning_rate):
        if not _is_sliced(gradient):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        # Slices of several replicas may hold a row each.
        gradient = _merged(gradient)
        rows = gradient.indices
        index = self._get_variable_index(variable)
        moments = self._momentums[index], self._velocities[index]
        step = ops.cast(self.iterations + 1, "float32")
        scale = (
            ops.cast(learning_rate, "float32")
            * ops.sqrt(1 - ops.power(self.beta_2, step))
            / (1 - ops.power(self.beta_1, step))
        )

        def moved(moment, target, beta):
            old = tf.gather(moment.value, rows)
            new = tf.IndexedSlices(old + (target - old) * (1 - beta), rows)
            self.assign(moment, new)
            return new.values

        mean = moved(moments[0], gradient.values, self.beta_1)
        square = moved(moments[1], gradient.values**2, self.beta_2)
        change = scale * mean / (ops.sqrt(square) + self.epsilon)
        self.assign_sub(variable, tf.IndexedSlices(change, rows))

    def get_config(self):
        return {**super().get_config(), "lazy": self.lazy}


def _is_sliced(gradient):
    """Whether it is a `tf.IndexedSlices`, some rows of a table."""
    return hasattr(gradient, "indices") and hasattr(gradient, "values")


def _merged(gradient):
    """Each row once; a dense gradient is given back as it is."""
    if not _is_sliced(gradient):
        return gradient
    import tensorflow as tf

    rows, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(
        gradient.values, places, tf.size(rows)
    )
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def _dense(gradient):
    """All rows; a dense gradient is given back as it is."""
    if not _is_sliced(gradient):
        return gradient
    import tensorflow as tf

    # Keras's own `convert_to_tensor` leaves slices as they are.
    return tf.convert_to_tensor(gradient)


def _scaled(gradient, scale):
    if not _is_sliced(gradient):
        return gradient * ops.cast(scale, gradient.dtype)
    return type(gradient)(
        gradient.values * scale, gradient.indices, gradient.dense_shape
    )
