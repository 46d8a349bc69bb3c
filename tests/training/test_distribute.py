"""A strategy for the devices and machines that there are."""

import json

import keras
import pytest

from semmatch import distillation_dataset
from semmatch import pair_dataset
from semmatch import triplet_dataset
from semmatch import Triplets
from semmatch.models import BiEncoderPreprocessor
from semmatch.training import strategy
from tests import checks
from tests.checks import run_python
from tests.checks import tensorflow_only


@tensorflow_only
def test_one_device_has_the_default_strategy(monkeypatch):
    import tensorflow as tf

    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert strategy() is tf.distribute.get_strategy()


@tensorflow_only
def test_mirrored_takes_the_devices_that_there_are():
    found = strategy("mirrored")
    assert type(found).__name__ == "MirroredStrategy"
    assert found.num_replicas_in_sync == 1


# A cluster of one needs nobody else.
ALONE = json.dumps(
    {
        "cluster": {"worker": ["127.0.0.1:0"]},
        "task": {"type": "worker", "index": 0},
    }
)

CHOICES = """
import json, os, sys
name, config, devices = sys.argv[1:]
if config:
    os.environ["TF_CONFIG"] = config
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * int(devices),
)
from semmatch.training import strategy
found = strategy(name)
print(json.dumps([type(found).__name__, found.num_replicas_in_sync]))
"""


@tensorflow_only
@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("auto", "", ["MirroredStrategy", 3]),
        # Of one worker alone devices decide.
        pytest.param(
            "auto", ALONE, ["MirroredStrategy", 3], marks=pytest.mark.slow
        ),
    ],
)
def test_several_devices_are_mirrored(name, config, expected):
    output = run_python(CHOICES, name, config, 3)
    assert json.loads(output.splitlines()[-1]) == expected


@tensorflow_only
def test_workers_need_their_configuration(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    message = "TF_CONFIG.* is not set.*semmatch launch.*distributed_training.md"
    with pytest.raises(ValueError, match=message):
        strategy("multi-worker")


@tensorflow_only
@pytest.mark.parametrize("name", ["auto", "multi-worker"])
def test_workers_come_before_all_else(name, monkeypatch):
    config = {
        "cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]},
        "task": {"type": "worker", "index": 0},
    }
    keras.ops.ones(1)  # TensorFlow works
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    message = "must be made before TensorFlow begins to work"
    with pytest.raises(RuntimeError, match=message):
        strategy(name)


@tensorflow_only
def test_a_wrong_configuration_is_told_in_any_case(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{")
    with pytest.raises(ValueError, match="TF_CONFIG must be like"):
        strategy()


@tensorflow_only
def test_another_version_of_keras_is_refused(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", ALONE)
    monkeypatch.setattr(keras, "version", lambda: "3.16.0")
    message = r"was tried with 3\.15\. Received: Keras 3\.16\.0.*\"mirrored\""
    with pytest.raises(RuntimeError, match=message):
        strategy("multi-worker")


def test_another_name_is_refused():
    message = r"`name` must be one of \['auto', 'mirrored', 'multi-worker'\]"
    with pytest.raises(ValueError, match=message):
        strategy("parameter-server")


def test_another_backend_is_told_its_own_way(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    message = r"backend 'jax', whose own way is .*keras\.distribution\.DataPar"
    with pytest.raises(RuntimeError, match=message):
        strategy()


@pytest.mark.parametrize("kind", ["pairs", "triplets", "distillation"])
def test_workers_share_out_batches_of_each_dataset(kind):
    import tensorflow as tf

    pairs = checks.toy_pairs(8)
    dataset = {
        "pairs": lambda: pair_dataset(pairs, checks.tiny_preprocessor()),
        "triplets": lambda: triplet_dataset(
            Triplets(["取消", "还款"], ["怎么取消", "如何还款"], ["借", "款"]),
            BiEncoderPreprocessor.from_texts(checks.TEXTS),
        ),
        "distillation": lambda: distillation_dataset(
            pairs, checks.tiny_preprocessor()
        ),
    }[kind]()
    policy = dataset.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA
