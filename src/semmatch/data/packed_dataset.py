"""From row numbers to a dataset of what a function packs of them."""


def packed_dataset(rows, pack, spec, batch_size):
    """Batches of rows, each packed when it is needed.

    Args:
        rows: `tf.data.Dataset` of row numbers, or of tuples with one first.
        pack: function from arrays of a batch of `rows` to features and
            further columns, as `spec` has them.
        spec: nested structure of `tf.TensorSpec` of one example.
        batch_size: int.

    Returns:
        A `tf.data.Dataset` of structures as `spec`, with a batch axis first.
    """
    # Here, so that readers work where only the serving packages are.
    import tensorflow as tf

    parts = tf.nest.flatten(spec)

    def flat(*batch):
        return tf.nest.flatten(pack(*batch))

    def packed(*batch):
        dtypes = [part.dtype for part in parts]
        tensors = tf.numpy_function(flat, batch, dtypes, stateful=False)
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.set_shape((batch[0].shape[0], *part.shape))
        return tf.nest.pack_sequence_as(spec, tensors)

    # TensorFlow's tuner sleeps for twice as long each time, and where the
    # processor is busy the end of an epoch waits for it to wake up: an epoch
    # of 5 s took 10 s. There is little to tune.
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        rows.batch(batch_size)
        .map(packed, num_parallel_calls=2)
        .prefetch(4)
        .with_options(options)
    )


def epochs(columns, spec, size):
    """A dataset of rows that are others in each iteration.

    Args:
        columns: function from the number of the epoch, from 0, to arrays
            `(size, ...)` of a row in each place.
        spec: tuple of `tf.TensorSpec` of one row, one for each array.
        size: int.
    """
    import tensorflow as tf

    epoch = 0

    def next_columns():
        nonlocal epoch
        epoch += 1
        return columns(epoch - 1)

    def rows(_):
        dtypes = [part.dtype for part in spec]
        tensors = tf.numpy_function(next_columns, [], dtypes)
        for tensor, part in zip(tensors, spec, strict=True):
            tensor.set_shape((size, *part.shape))
        return tf.data.Dataset.from_tensor_slices(tuple(tensors))

    dataset = tf.data.Dataset.from_tensors(0).flat_map(rows)
    return dataset.apply(tf.data.experimental.assert_cardinality(size))


def features_spec(preprocessor, *axes):
    """The `tf.TensorSpec` of each feature of one example.

    Args:
        preprocessor: has `feature_names`.
        *axes: ints, those before the axis of tokens.
    """
    import tensorflow as tf

    return {
        name: tf.TensorSpec((*axes, None), "int32")
        for name in preprocessor.feature_names
    }
