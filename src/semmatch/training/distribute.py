"""Over which devices and machines a model is trained."""

import keras

from semmatch._checks import check_one_of
from semmatch.training.cluster import read_cluster
from semmatch.training.multi_worker import check_keras

_NAMES = ("auto", "mirrored", "multi-worker")


def strategy(name="auto"):
    """A strategy of `tf.distribute`, in whose scope a model is made.

    Each device gets a part of every batch, and the step is that of the whole
    batch. TensorFlow only.

    Args:
        name: `"mirrored"` for all GPUs of this process (without any, its
            logical processors); `"multi-worker"` for the processes that
            TF_CONFIG names, on one host or on several, each with all of its
            GPUs; `"auto"` for multi-worker where TF_CONFIG names several,
            else mirrored where there are several devices, else TensorFlow's
            default, one device. With TF_CONFIG it is made first of all:
            before models and tensors.

    Returns:
        `tf.distribute.Strategy`.

    Raises:
        ValueError: for another name, for a TF_CONFIG that is missing or no
            cluster of workers.
        RuntimeError: on another backend than TensorFlow; of several workers
            for a version of Keras that was not tried, and where TensorFlow
            has begun to work already.

    >>> strategy().num_replicas_in_sync
    1
    """
    check_one_of(name, _NAMES, "name")
    if keras.config.backend() != "tensorflow":
        raise RuntimeError(
            "`strategy` makes strategies of `tf.distribute`, which are of the "
            f"TensorFlow backend. Received: backend {keras.config.backend()!r}"
            ", whose own way is `keras.distribution.set_distribution("
            "keras.distribution.DataParallel())`, before the model is made."
        )
    import tensorflow as tf

    cluster = read_cluster()
    if name == "multi-worker" and cluster is None:
        raise ValueError(
            '`strategy("multi-worker")` reads from the environment variable '
            "TF_CONFIG who trains together, and it is not set. On one host "
            "start the program by `semmatch launch --workers 2 -- python "
            "train.py`; on several set it on each, see "
            "docs/distributed_training.md."
        )
    # Before devices are looked for, which starts TensorFlow.
    several = cluster is not None and len(cluster.addresses) > 1
    if name == "multi-worker" or (name == "auto" and several):
        return _multi_worker()
    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    if name == "mirrored" or len(devices) > 1:
        names = [device.name for device in devices]
        return tf.distribute.MirroredStrategy(names)
    return tf.distribute.get_strategy()


def _multi_worker():
    import tensorflow as tf

    check_keras()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        if "program startup" not in str(error):
            raise
        raise RuntimeError(
            "The strategy of several workers must be made before TensorFlow "
            "begins to work, and it has: a model, a tensor or a list of "
            "devices was made. Call `strategy` first in the program."
        ) from error
