"""On what a training runs."""

import importlib.metadata
import os
import platform

import keras
from keras.src.utils.rng_utils import get_random_seed

_PACKAGES = ("keras", "keras-hub", "tensorflow", "jax", "numpy", "tokenizers")


def environment():
    """Versions, devices and the global seed, as a dict of JSON values.

    >>> sorted(environment())  # the seed of `keras.utils.set_random_seed`
    ['machine', 'seed', 'versions']
    """
    from semmatch._version import __version__

    versions = {"python": platform.python_version(), "semmatch": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return {
        # Keras has no public way to ask for it.
        "seed": get_random_seed(),
        "versions": versions,
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "backend": keras.config.backend(),
            "devices": _devices(),
        },
    }


def _devices():
    if keras.config.backend() == "jax":
        import jax

        return [str(device) for device in jax.devices()]
    import tensorflow as tf

    return [device.name for device in tf.config.list_logical_devices()]
