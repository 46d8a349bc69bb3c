"""The form that a pair has in a record: a `tf.train.Example`."""

TEXT_NAMES = ("text_a", "text_b")
LABEL_NAME = "label"


def id_names(num):
    """The names of so many columns of token ids.

    >>> id_names(2)
    ['ids_0', 'ids_1']
    """
    return [f"ids_{number}" for number in range(num)]


def text_examples(text_a, text_b, labels):
    """Serialised pairs of texts, one by one.

    Args:
        text_a: list of UTF-8 bytes.
        text_b: list of UTF-8 bytes, as many.
        labels: list of `tf.train.Feature`, or of None.
    """
    import tensorflow as tf

    def feature(text):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))

    for a, b, label in zip(text_a, text_b, labels, strict=True):
        yield _serialised({"text_a": feature(a), "text_b": feature(b)}, label)


def id_examples(columns, labels):
    """Serialised pairs of token ids, one by one.

    Args:
        columns: list of columns, lists of lists of ints.
        labels: list of `tf.train.Feature`, or of None.
    """
    import tensorflow as tf

    names = id_names(len(columns))
    for *rows, label in zip(*columns, labels, strict=True):
        features = {
            name: tf.train.Feature(int64_list=tf.train.Int64List(value=ids))
            for name, ids in zip(names, rows, strict=True)
        }
        yield _serialised(features, label)


def label_features(labels, dtype):
    """A `tf.train.Feature` for each label, or None for each.

    Args:
        labels: list of floats.
        dtype: `"int64"`, `"float32"`, or None for no labels.
    """
    import tensorflow as tf

    if dtype is None:
        return [None] * len(labels)
    if dtype == "int64":
        lists = (tf.train.Int64List(value=[int(label)]) for label in labels)
        return [tf.train.Feature(int64_list=values) for values in lists]
    lists = (tf.train.FloatList(value=[label]) for label in labels)
    return [tf.train.Feature(float_list=values) for values in lists]


def parse_examples(serialized, num_columns, dtype):
    """The columns of serialised pairs.

    Args:
        serialized: string tensor `(n,)`.
        num_columns: int, of token ids; 0 for texts.
        dtype: as of `label_features`.

    Returns:
        A list of string tensors `(n,)` or of int64 ragged tensors `(n,
        None)`, and the labels `(n,)`, 0 where there are none.
    """
    import tensorflow as tf

    names = id_names(num_columns) or TEXT_NAMES
    kind = (
        tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
        if num_columns
        else tf.io.FixedLenFeature((), tf.string)
    )
    features = dict.fromkeys(names, kind)
    if dtype is not None:
        features[LABEL_NAME] = tf.io.FixedLenFeature((), dtype)
    columns = tf.io.parse_example(serialized, features)
    label = columns.get(LABEL_NAME)
    if label is None:
        label = tf.zeros_like(serialized, tf.int64)
    return [columns[name] for name in names], label


def _serialised(features, label):
    import tensorflow as tf

    if label is not None:
        features[LABEL_NAME] = label
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # The same bytes in each run, so that hashes tell whether data are equal.
    return example.SerializeToString(deterministic=True)
