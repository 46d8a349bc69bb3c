"""Two faults of Keras that keep it from training on several workers.

Keras issue 20585. What is done about them hangs on how Keras works inside, so
it is tried with each minor version before that is admitted.
"""

import keras
from keras import tree

# Of Keras, as `setup.cfg` has it.
_TRIED = ("3.15",)


def check_keras(version=None):
    """Refuses a version of Keras that was not tried on several workers.

    Args:
        version: string, None for the one that is installed.

    >>> check_keras("3.15.1")
    """
    version = version or keras.version()
    if ".".join(version.split(".")[:2]) not in _TRIED:
        raise RuntimeError(
            "Training on several workers works around two faults of Keras, "
            f"which was tried with {' and '.join(_TRIED)}. Received: Keras "
            f"{version}. Install one of these; on one host "
            '`strategy("mirrored")` needs no workaround.'
        )


def is_multi_worker(strategy):
    """Whether a strategy is of several processes, as Keras sees it."""
    import tensorflow as tf

    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return several and strategy.extended._in_multi_worker_mode()


def batch_specs(iterator):
    """The shapes and dtypes of a replica's batches.

    To build metrics and optimizer Keras takes a batch and averages it over
    replicas, which fails for several workers, and everywhere for bools and
    for batches of uneven parts. It also starts an epoch of the data that
    nobody trains on. Shapes are all that it needs.

    Args:
        iterator: Keras's iterator of the batches of an epoch.

    Returns:
        The structure of a batch, of `tf.TensorSpec`.
    """

    def of_one(spec):
        # Of several replicas they are bundled.
        return getattr(spec, "_value_specs", [spec])[0]

    return tree.map_structure(
        of_one, iterator._distributed_dataset.element_spec
    )


def with_axis(logs):
    """Scalars as vectors of one place, `(1,)`.

    Keras averages what a step returns over the replicas *and* over the first
    axis where there are several workers, and fails on scalars.

    Args:
        logs: dict of scalars, or of dicts of such.
    """
    return tree.map_structure(
        lambda value: keras.ops.reshape(value, (1,)), logs
    )
