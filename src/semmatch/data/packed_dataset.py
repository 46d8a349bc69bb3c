"""From row numbers to a dataset of what a function packs of them."""


def packed_dataset(order, pack, spec):
    """Batches of rows, each packed when it is needed.

    Args:
        order: `BatchOrder`.
        pack: function from the columns of a batch of `order` to features and
            further columns, as `spec` has them.
        spec: nested structure of `tf.TensorSpec` of one example.

    Returns:
        A `tf.data.Dataset` of structures as `spec`, with a batch axis first;
        its attribute `batch_order` is `order`.
    """
    # Here, so that readers work where only the serving packages are.
    import tensorflow as tf

    parts = tf.nest.flatten(spec)

    def flat(*batch):
        real = batch[0] >= 0
        return tf.nest.flatten(pack(*(column[real] for column in batch)))

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
    # Of several workers each makes all batches and trains on its part of each:
    # there are no files to share out.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    dataset = (
        _row_dataset(order)
        .batch(order.batch_size)
        .map(packed, num_parallel_calls=2)
        .prefetch(4)
        .with_options(options)
    )
    dataset.batch_order = order
    return dataset


def _row_dataset(order):
    """A dataset of the rows of an order, others in each iteration."""
    import tensorflow as tf

    size = order.num_batches * order.batch_size

    def rows(_):
        dtypes = ["int64"] * len(order.shapes)
        tensors = tf.numpy_function(order.take, [], dtypes)
        for tensor, shape in zip(tensors, order.shapes, strict=True):
            tensor.set_shape((size, *shape))
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
