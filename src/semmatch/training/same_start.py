"""Workers that would train apart are told so before they do."""

import itertools
import json
import zlib

import keras

from semmatch.training.replicas import values_of_workers
from semmatch.training.run_record import plain

_WHAT = (
    "steps trained",
    "epochs",
    "batches of an epoch",
    "checksum of the weights",
    "checksum of the data and their order",
)


class SameStart(keras.callbacks.Callback):
    """Refuses a training whose workers do not begin alike.

    Each worker applies the same changes to its own copy of the weights. If
    one begins elsewhere, since it found an older backup or loaded the model
    from other files, nothing fails and all is wrong. Each takes its part of
    every batch as well: of batches in another order some rows are trained on
    twice and others never. With another number of batches they would wait for
    each other for ever.

    Args:
        strategy: the `tf.distribute.Strategy` of the model.
        run: `TrainingRun`.
    """

    def __init__(self, strategy, run):
        super().__init__()
        self.strategy = strategy
        self.run = run

    # After the callbacks that restore something.
    def on_train_begin(self, logs=None):
        found = values_of_workers(self.strategy, start_of(self.run))
        check_alike(found)


def start_of(run):
    """Where a worker begins: a list of floats, as `check_alike` names them.

    Args:
        run: `TrainingRun`.
    """
    steps = keras.ops.convert_to_numpy(run.model.optimizer.iterations)
    batches = -1 if run.steps is None else run.steps
    start = steps, run.epochs, batches, _of_weights(run.model), _of_data(run)
    return [float(value) for value in start]


def check_alike(found):
    """Refuses what differs between workers.

    Args:
        found: float `(replicas, 5)`.

    >>> import numpy as np
    >>> check_alike(np.array([[0.0, 2.0, 10.0, 1.0, 7.0]] * 2))
    """
    differences = [
        f"{name} {', '.join(f'{value:.0f}' for value in values)}"
        for name, values in zip(_WHAT, found.T, strict=True)
        if (values != values[0]).any()
    ]
    if differences:
        raise ValueError(
            "The workers of a training begin alike: the same model, data and "
            f"backup. Received: {'; '.join(differences)}, one for each "
            "replica. Load the same files everywhere, shuffle by the same "
            "seed, and give `BackupAndRestore` a folder that all workers see."
        )


def _of_weights(model):
    # A teacher that runs beside its student is no part of it for Keras.
    teacher = getattr(model, "online_teacher", None)
    models = [model, *(teacher.members if teacher else ())]
    checksum = 0
    # Not the seeds of dropout, which are each worker's own.
    for weight in itertools.chain(*(one.weights for one in models)):
        value = keras.ops.convert_to_numpy(weight)
        checksum = zlib.crc32(value.tobytes(), checksum)
    return checksum


def _of_data(run):
    """0 for data that do not know what they are."""
    if run.order is None:
        return 0
    first = run.start + run.number(run.first_epoch, 0)
    record = [plain(run.order.describe()), int(first)]
    return zlib.crc32(json.dumps(record).encode())
