"""Runs a chain of small operations as one pass over memory."""

import functools

import keras


def fused(num_vectors=0):
    """Makes a function of tensors one compiled pass, forward and back.

    TensorFlow runs each operation as a pass over memory of its own, which
    for additions, activations and normalisations costs more than the matrix
    products between them. Here XLA compiles them into one. The gradient
    recomputes the function from its inputs, so nothing else is kept for it.
    Other backends get the function as it is: they compile the whole step.

    A new shape of tensors is compiled anew, which takes a moment, hence
    batches are padded to few lengths.

    Args:
        num_vectors: int, how many of the last tensors are vectors over the
            last axis of the first tensor, such as a bias. Their gradients
            are summed by a matrix product, since both TensorFlow and XLA are
            slow to sum over rows.

    Returns:
        A decorator for functions of tensors, integers among them (they get
        no gradient), and of keyword arguments that are no tensors.

    >>> from keras import ops
    >>> @fused(num_vectors=1)
    ... def shift(x, bias, *, factor):
    ...     return x * factor + bias
    >>> shift(ops.ones((1, 2)), ops.ones((2,)), factor=2.0).shape
    TensorShape([1, 2])
    """

    def decorate(function):
        if keras.config.backend() != "tensorflow":
            return function
        import tensorflow as tf

        compiled = functools.partial(
            tf.function, jit_compile=True, autograph=False
        )
        forward = compiled(function)

        @compiled
        def backward(inputs, upstream, static):
            split = len(inputs) - num_vectors
            shape = tf.shape(inputs[0])
            vectors = [tf.broadcast_to(x, shape) for x in inputs[split:]]
            inputs = [*inputs[:split], *vectors]
            watched = [x for x in inputs if x.dtype.is_floating]
            with tf.GradientTape() as tape:
                tape.watch(watched)
                outputs = function(*inputs, **static)
            return tape.gradient(outputs, watched, upstream)

        @functools.wraps(function)
        def run(*inputs, **static):
            @tf.custom_gradient
            def differentiable(*inputs):
                def gradient(upstream):
                    found = backward(inputs, upstream, static)
                    split = len(found) - num_vectors
                    found[split:] = map(_sum_over_rows, found[split:])
                    found = iter(found)
                    return [
                        next(found) if x.dtype.is_floating else None
                        for x in inputs
                    ]

                return forward(*inputs, **static), gradient

            return differentiable(*map(tf.convert_to_tensor, inputs))

        return run

    return decorate


def _sum_over_rows(values):
    import tensorflow as tf

    rows = tf.reshape(values, (-1, values.shape[-1]))
    return tf.matmul(tf.ones((1, tf.shape(rows)[0]), rows.dtype), rows)[0]
