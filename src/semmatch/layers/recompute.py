"""Computes a layer again for its gradient instead of keeping its insides."""

import keras
from keras import ops


def recompute(layer, function, *inputs):
    """`function(*inputs)`; its gradient runs the function a second time.

    Of the first run only inputs and output are kept. The second run starts
    from the same seeds, so that dropout drops the same values (with
    `keras.remat` it does not on TensorFlow, and the gradient is wrong).

    Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".

    Args:
        layer: a built Keras layer; all variables that `function` reads,
            seeds among them, are its own.
        function: of tensors; returns one tensor.
        *inputs: tensors; integers get no gradient.

    Returns:
        A tensor.

    >>> import numpy as np
    >>> from semmatch.layers import Dropout
    >>> layer = Dropout(0.5)
    >>> recompute(layer, lambda x: layer(x, training=True), np.ones(4)).shape
    TensorShape([4])
    """
    trained = layer.trainable_variables
    # Seeds and whatever else a run may change.
    state = layer.non_trainable_variables

    def run(inputs, trained_values, state_values):
        values = [
            *zip(trained, trained_values, strict=True),
            *zip(state, state_values, strict=True),
        ]
        with keras.StatelessScope(state_mapping=values) as scope:
            outputs = function(*inputs)
        changed = [scope.get_current_value(variable) for variable in state]
        return outputs, changed

    inputs = [ops.convert_to_tensor(tensor) for tensor in inputs]
    # Copies, since a variable is read again when the second run comes.
    trained_values = [ops.copy(x.value) for x in trained]
    state_values = [ops.copy(x.value) for x in state]
    outputs, changed = _with_second_run(run)(
        inputs, trained_values, state_values
    )
    for variable, value in zip(state, changed, strict=True):
        variable.assign(value)
    return outputs


def _with_second_run(run):
    if keras.config.backend() == "jax":
        import jax

        return jax.checkpoint(run)
    if keras.config.backend() == "tensorflow":
        return _with_second_run_of_tensorflow(run)
    raise NotImplementedError(
        "Activation checkpointing runs on the TensorFlow and JAX backends. "
        f"Received: backend {keras.config.backend()!r}."
    )


def _with_second_run_of_tensorflow(run):
    import tensorflow as tf

    def first_run(inputs, trained_values, state_values):
        split = len(inputs)
        changed = []

        @tf.custom_gradient
        def differentiable(*values):
            outputs, changed[:] = run(
                values[:split], values[split:], state_values
            )

            def gradient(upstream):
                # Else TensorFlow would see that both runs are the same and
                # keep the first one's insides for the second.
                with tf.control_dependencies([upstream]):
                    again = [tf.identity(value) for value in values]
                watched = [x for x in again if x.dtype.is_floating]
                with tf.GradientTape() as tape:
                    tape.watch(watched)
                    outputs, _ = run(again[:split], again[split:], state_values)
                found = tape.gradient(outputs, watched, upstream)
                # Done with this layer before the next one begins.
                with tf.control_dependencies(found):
                    found = iter([tf.identity(x) for x in found])
                return [
                    next(found) if x.dtype.is_floating else None for x in again
                ]

            return outputs, gradient

        return differentiable(*inputs, *trained_values), changed

    return first_run
