"""A program that asks a model with two replicas what one without says.

Devices are set before TensorFlow starts, hence a process of its own.
"""

import json
import subprocess
import sys

BATCH = 16


def run():
    """For each question the largest difference of the answers, or a number."""
    output = subprocess.run(
        [sys.executable, "-m", __name__],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return json.loads(output.splitlines()[-1])


def main():
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    alone = tf.distribute.get_strategy()
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    found = {
        question.__name__: apart(question(alone), question(mirrored))
        for question in (
            a_batch_alone,
            rows_that_are_split_unevenly,
            a_last_batch_of_one_row,
            masks_of_bools,
            sums_of_losses,
            parts_of_uneven_rows,
            cached_gradients_of_uneven_rows,
        )
    }
    found["epochs_begun"] = epochs_begun(mirrored)
    print(json.dumps(found))


def apart(one, two):
    """The largest difference of two lists of arrays; -1 for other shapes."""
    import numpy as np

    if [a.shape for a in one] != [b.shape for b in two]:
        return -1.0
    return max(
        float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True)
    )


def model_of(strategy, **compiled):
    import keras

    from tests import checks

    with strategy.scope():
        encoder = checks.tiny_encoder(
            num_layers=1, dropout=0.0, attention_dropout=0.0
        )
        model = checks.tiny_model(encoder, dropout=0.0)
        model.compile(keras.optimizers.SGD(0.1), **compiled)
    return model


def examples(rows, mask="int32"):
    """A dataset as one's own may be."""
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    ids = random.integers(1, 64, (rows, 8)).astype("int32")
    x = {
        "token_ids": ids,
        "padding_mask": np.ones_like(ids).astype(mask),
        "segment_ids": np.zeros_like(ids),
    }
    y = random.integers(0, 2, rows).astype("float32")
    return tf.data.Dataset.from_tensor_slices((x, y)).padded_batch(
        BATCH, padded_shapes=({name: [None] for name in x}, [])
    )


def outcome(model, data, epochs=2):
    """Weights after a training, and what it says of itself and of the data."""
    import numpy as np

    history = model.fit(data, epochs=epochs, verbose=0).history
    weights = [w for w in model.get_weights() if w.dtype == "float32"]
    features = data.map(lambda x, y: x)
    return [
        *weights,
        *(np.array(history[name], "float32") for name in sorted(history)),
        np.array(model.evaluate(data, verbose=0)),
        model.predict(features, verbose=0),
    ]


def a_batch_alone(strategy):
    model = model_of(strategy)
    pairs = [("取消", "还款"), ("还款", "借款"), ("取消", "取消")]
    first = model.score(pairs)
    # What was traced before is not what is asked now.
    model.fit(examples(32), verbose=0)
    return [first, model.score(pairs), model.score(pairs[:1])]


def rows_that_are_split_unevenly(strategy):
    return outcome(model_of(strategy), examples(BATCH + 11))


def a_last_batch_of_one_row(strategy):
    return outcome(model_of(strategy), examples(BATCH + 1))


def masks_of_bools(strategy):
    return outcome(model_of(strategy), examples(BATCH, "bool"))


def sums_of_losses(strategy):
    import keras

    loss = keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum")
    model = model_of(strategy, loss=loss)
    model.optimizer.learning_rate = 0.001
    model.fit(examples(BATCH + 11), epochs=2, verbose=0)
    return [w for w in model.get_weights() if w.dtype == "float32"]


def parts_of_uneven_rows(strategy):
    return outcome(model_of(strategy, micro_batch_size=4), examples(BATCH + 11))


def cached_gradients_of_uneven_rows(strategy):
    import keras
    import numpy as np
    import tensorflow as tf

    from semmatch import BiEncoder
    from semmatch.losses import InfoNCE
    from semmatch.training import gather_replicas
    from tests import checks

    random = np.random.default_rng(0)
    ids = random.integers(1, 64, (BATCH + 11, 2, 8)).astype("int32")
    x = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    groups = np.arange(len(ids), dtype="int32")
    with strategy.scope():
        encoder = checks.tiny_encoder(
            num_layers=1, dropout=0.0, attention_dropout=0.0, num_segments=0
        )
        model = BiEncoder(encoder)
        model.compile(
            keras.optimizers.SGD(0.01),
            InfoNCE(gather=gather_replicas),
            metrics=None,
            micro_batch_size=4,
        )
    data = tf.data.Dataset.from_tensor_slices((x, groups)).batch(BATCH)
    history = model.fit(data, epochs=2, verbose=0).history
    weights = [w for w in model.get_weights() if w.dtype == "float32"]
    return [*weights, np.array(history["loss"])]


def epochs_begun(strategy):
    """How often two epochs of a training begin to read their data."""
    import tensorflow as tf

    begun = 0

    def rows():
        nonlocal begun
        begun += 1
        yield from range(BATCH)

    plain = examples(BATCH).unbatch()
    spec = tf.TensorSpec((), "int64")
    numbers = tf.data.Dataset.from_generator(rows, output_signature=spec)
    data = tf.data.Dataset.zip(plain, numbers).map(lambda xy, _: xy)
    model_of(strategy).fit(data.batch(BATCH), epochs=2, verbose=0)
    return begun


if __name__ == "__main__":
    main()
