"""The optimizer that encoders are fine-tuned with."""

import collections
import functools
import re

import keras
from keras import ops

# Biases, the parameters of layer normalisation, and embeddings, by variable
# name: decay would shrink the vectors of words that the data does not hold.
_NOT_DECAYED = ("bias", "beta", "gamma", "embeddings")

# Blocks of `TextEncoder` and of KerasHub's backbones, in variable paths.
_BLOCK = re.compile(r"(?:block|layer)_(\d+)/")

# Elements of a variable up to which a pass is cheaper than compiling one.
_SMALL = 2**14

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
    al. 2018; the rows are those of TensorFlow Addons' LazyAdam; layer-wise
    decay is that of Clark et al. 2020, ELECTRA.

    Args:
        learning_rate: float or schedule, such as `LinearWarmup`.
        weight_decay: float, the share by which weights shrink each step, in
            units of the learning rate.
        epsilon: float.
        global_clipnorm: float or None, the largest norm of all gradients
            together.
        lazy: bool; False updates all rows of an embedding at each step.
        layer_decay: float in (0, 1], by which the learning rate shrinks from
            each block to the one below; 1 for one rate. The head has the
            whole rate, the last block `layer_decay` of it, embeddings the
            least.
        **kwargs: as of `keras.optimizers.AdamW`. `use_ema=True` averages the
            weights over the steps; `CrossEncoder.fit` validates and keeps the
            averages.

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
        layer_decay=1.0,
        **kwargs,
    ):
        if not 0 < layer_decay <= 1:
            raise ValueError(
                "`layer_decay` must be in (0, 1]. Received: layer_decay="
                f"{layer_decay}."
            )
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            epsilon=epsilon,
            global_clipnorm=global_clipnorm,
            **kwargs,
        )
        self.lazy = lazy
        self.layer_decay = layer_decay
        self.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))

    def build(self, variables):
        super().build(variables)
        self._shares = _shares_of_the_rate(variables, self.layer_decay)

    def _share(self, variable):
        return self._shares[self._get_variable_index(variable)]

    # On TensorFlow the next two wait for the step, see `update_step`.
    def _clip_gradients(self, grads):
        if not _on_tensorflow():
            return super()._clip_gradients(grads)
        if self.global_clipnorm:
            return grads
        return super()._clip_gradients([each_row_once(x) for x in grads])

    def _apply_weight_decay(self, variables):
        if _on_tensorflow():
            return
        for variable in variables:
            if self.weight_decay and self._use_weight_decay(variable):
                decay = self.learning_rate * self._share(variable)
                decay = ops.cast(decay * self.weight_decay, variable.dtype)
                variable.assign(variable - variable * decay)

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
        return each_row_once(gradient)

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = ops.cast(learning_rate, "float32")
        learning_rate *= self._share(variable)
        if not _on_tensorflow():
            super().update_step(gradient, variable, learning_rate)
            return
        gradient, scale = gradient
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
        return {
            **super().get_config(),
            "lazy": self.lazy,
            "layer_decay": self.layer_decay,
        }


def _shares_of_the_rate(variables, layer_decay):
    """For each variable, what its depth leaves of the learning rate."""
    paths = [variable.path for variable in variables]
    blocks = [_BLOCK.search(path) for path in paths]
    numbers = [-1 if found is None else int(found[1]) for found in blocks]
    if layer_decay < 1 and max(numbers) < 0:
        raise ValueError(
            "`layer_decay` needs blocks whose variables are called "
            '"…block_0/…" or "…layer_0/…". Received variables such as '
            f"{paths[0]!r}. Leave it out."
        )
    top = max(numbers) + 1
    shares = []
    for path, number in zip(paths, numbers, strict=True):
        if "embedding" in path:
            depth = top + 1
        else:
            depth = 0 if number < 0 else top - number
        shares.append(layer_decay**depth)
    return shares


def _on_tensorflow():
    return keras.config.backend() == "tensorflow"


def each_row_once(gradient):
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
    small = state[0].shape.num_elements() < _SMALL
    update = _update if small else _compiled_update()
    # Not variables, which a function would hold on to.
    handles = [part.handle for part in state]
    update(handles, gradient, factors, constants, state[0].dtype)


def _update(handles, gradient, factors, constants, dtype):
    """Updates in place."""
    import tensorflow as tf

    read, assign = tf.raw_ops.ReadVariableOp, tf.raw_ops.AssignVariableOp
    state = [read(resource=handle, dtype=dtype) for handle in handles]
    stepped = _stepped(state, gradient, factors, constants)
    for handle, value in zip(handles, stepped, strict=True):
        assign(resource=handle, value=value)


@functools.cache
def _compiled_update():
    """As `_update`, compiled so that memory is passed over once."""
    import tensorflow as tf

    return tf.function(_update, jit_compile=True, autograph=False)


def _update_rows(state, gradient, factors, constants):
    """Updates the rows of `tf.IndexedSlices` alone."""
    import tensorflow as tf

    rows = gradient.indices
    values = [tf.gather(part, rows) for part in state]
    stepped = _stepped(values, gradient.values, factors, constants)
    for part, value in zip(state, stepped, strict=True):
        part.scatter_update(tf.IndexedSlices(value, rows))
