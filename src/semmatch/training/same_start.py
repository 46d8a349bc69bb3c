"""Workers that would train apart are told so before they do."""

import zlib

import keras

from semmatch.training.replicas import values_of_workers

_WHAT = ("steps trained", "batches of an epoch", "checksum of the weights")


class SameStart(keras.callbacks.Callback):
    """Refuses a training whose workers do not begin alike.

    Each worker applies the same changes to its own copy of the weights. If
    one begins elsewhere, since it found an older backup or loaded the model
    from other files, nothing fails and all is wrong; with another number of
    batches they would wait for each other for ever.

    Args:
        strategy: the `tf.distribute.Strategy` of the model.
        dataset: what is trained on.
    """

    def __init__(self, strategy, dataset):
        super().__init__()
        self.strategy = strategy
        self.dataset = dataset

    # After the callbacks that restore something.
    def on_train_begin(self, logs=None):
        found = values_of_workers(self.strategy, self._start())
        check_alike(found)

    def _start(self):
        checksum = 0
        for variable in self.model.trainable_variables:
            value = keras.ops.convert_to_numpy(variable)
            checksum = zlib.crc32(value.tobytes(), checksum)
        steps = keras.ops.convert_to_numpy(self.model.optimizer.iterations)
        batches = getattr(self.dataset, "cardinality", lambda: -1)()
        return [float(steps), float(batches), float(checksum)]


def check_alike(found):
    """Refuses what differs between workers.

    Args:
        found: float `(replicas, 3)`.

    >>> import numpy as np
    >>> check_alike(np.array([[0.0, 10.0, 1.0], [0.0, 10.0, 1.0]]))
    """
    for name, values in zip(_WHAT, found.T, strict=True):
        if (values != values[0]).any():
            raise ValueError(
                "The workers of a training begin alike: the same model, data "
                f"and backup. Received: {name} "
                f"{', '.join(f'{value:.0f}' for value in values)}, one for "
                "each replica. Load the same files everywhere, and give "
                "`BackupAndRestore` a folder that all workers see."
            )
