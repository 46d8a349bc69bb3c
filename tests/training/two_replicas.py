"""A program that trains one model alone and under two replicas.

Devices are set before TensorFlow starts, hence a process of its own.
"""

import argparse
import json
import subprocess
import sys


def run(*arguments):
    """The figures of the program in a fresh process.

    Args:
        *arguments: of the command line, see `main`.

    Returns:
        A dict of `moved`, the largest change of a weight in the training
        alone, and `apart`, the largest difference between the two trainings.
    """
    command = [sys.executable, "-m", __name__, *map(str, arguments)]
    output = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return json.loads(output.splitlines()[-1])


def main():
    import numpy as np
    import tensorflow as tf

    parser = argparse.ArgumentParser()
    parser.add_argument("--micro-batch-size", type=int, help="of replicas")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument(
        "--model", choices=["logits", "vectors", "distilled"], default="logits"
    )
    options = parser.parse_args()
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    train = {
        "logits": train_logits,
        "vectors": train_vectors,
        "distilled": train_distilled,
    }[options.model]
    start, one = train(tf.distribute.get_strategy())
    _, two = train(
        tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
        options.dropout,
        options.micro_batch_size,
    )
    figures = {
        "moved": zip(start, one, strict=True),
        "apart": zip(one, two, strict=True),
    }
    for name, pairs in figures.items():
        figures[name] = max(
            float(np.abs(a - b).max()) for a, b in pairs if a.dtype == "f4"
        )
    print(json.dumps(figures))


def tiny_encoder(dropout):
    from semmatch.models import TextEncoder

    return TextEncoder(
        50,
        1,
        2,
        8,
        16,
        dropout=dropout,
        attention_dropout=dropout,
        num_segments=0,
        pooler=False,
    )


def train_logits(strategy, dropout=0.0, micro_batch_size=None):
    """Weights before and after four steps on one batch of 64."""
    import keras
    import numpy as np
    import tensorflow as tf

    from semmatch import CrossEncoder
    from semmatch.training import AdamW

    random = np.random.default_rng(0)
    ids = random.integers(1, 50, (64, 8)).astype("int32")
    x = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    y = random.integers(0, 2, 64).astype("float32")
    keras.utils.set_random_seed(0)
    with strategy.scope():
        encoder = tiny_encoder(dropout)
        model = CrossEncoder(encoder, dropout=dropout, pooling="mean")
        model.compile(
            AdamW(0.01, global_clipnorm=0.1, epsilon=0.001),
            micro_batch_size=micro_batch_size,
        )
    before = model.get_weights()
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(64).repeat(4)
    model.fit(data, verbose=0)
    return before, model.get_weights()


def train_vectors(strategy, dropout=0.0, micro_batch_size=None):
    """The same with the negatives of all replicas."""
    import keras
    import numpy as np
    import tensorflow as tf

    from semmatch import BiEncoder
    from semmatch.losses import InfoNCE
    from semmatch.training import gather_replicas

    random = np.random.default_rng(0)
    ids = random.integers(1, 50, (64, 3, 8)).astype("int32")
    x = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    # Some groups stand on both replicas, and some places are empty.
    groups = np.stack([np.arange(64) % 50] * 2 + [np.arange(64) - 9], axis=1)
    keras.utils.set_random_seed(0)
    with strategy.scope():
        encoder = tiny_encoder(dropout)
        model = BiEncoder(encoder)
        model.compile(
            keras.optimizers.SGD(0.1),
            InfoNCE(symmetric=True, gather=gather_replicas),
            micro_batch_size=micro_batch_size,
        )
    before = model.get_weights()
    data = tf.data.Dataset.from_tensor_slices((x, groups.astype("int32")))
    model.fit(data.batch(64).repeat(4), verbose=0)
    return before, model.get_weights()


def train_distilled(strategy, dropout=0.0, micro_batch_size=None):
    """The same of a student with a teacher beside it, and what is logged."""
    import keras
    import numpy as np
    import tensorflow as tf

    from semmatch import CrossEncoder
    from semmatch import DistillationModel
    from semmatch import LayerMatch

    random = np.random.default_rng(0)
    ids = random.integers(1, 50, (64, 8)).astype("int32")
    x = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    y = random.integers(0, 2, 64).astype("float32")
    keras.utils.set_random_seed(0)
    with strategy.scope():
        teacher, student = (
            CrossEncoder(tiny_encoder(dropout), dropout=dropout, pooling="mean")
            for _ in range(2)
        )
        model = DistillationModel(
            teacher,
            student,
            temperature=1.0,
            hard_loss_weight=keras.optimizers.schedules.PolynomialDecay(
                1.0, 4, 0.0
            ),
            matches=[LayerMatch(), LayerMatch("attention", loss="kl")],
        )
        model.compile(keras.optimizers.SGD(0.1), metrics=["accuracy"])
    before = student.get_weights()
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(64).repeat(4)
    history = model.fit(data, verbose=0).history
    logs = [np.array(history[name], "f4") for name in sorted(history)]
    # The same before, so that what moved are weights.
    return before + logs, student.get_weights() + logs


if __name__ == "__main__":
    main()
