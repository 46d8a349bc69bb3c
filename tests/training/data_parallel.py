"""A program that trains on JAX with one device and with two.

Devices and backend are set before JAX starts, hence a process of its own.
"""

import json
import os
import subprocess
import sys

ENVIRONMENT = {
    "KERAS_BACKEND": "jax",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
}


def run():
    """For each kind of model how far apart the two trainings are.

    Returns:
        A dict from names to dicts of `devices`, how many had the weights;
        `moved`, the largest change of a weight; and `apart`, the largest
        difference between the weights after a training by one device and by
        two.
    """
    output = subprocess.run(
        [sys.executable, "-m", __name__],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **ENVIRONMENT},
    ).stdout
    return json.loads(output.splitlines()[-1])


def main():
    import jax
    import keras
    import numpy as np

    assert len(jax.devices()) == 2
    found = {}
    for name, train in (
        ("logits", train_logits),
        ("vectors", train_vectors),
        ("distilled", train_distilled),
    ):
        before, one, _ = train()
        parallel = keras.distribution.DataParallel()
        keras.distribution.set_distribution(parallel)
        _, two, variable = train()
        keras.distribution.set_distribution(None)
        found[name] = {
            "devices": len(variable.value.sharding.device_set),
            "moved": largest(before, one, np),
            "apart": largest(one, two, np),
        }
    print(json.dumps(found))


def largest(one, two, np):
    return max(
        float(np.abs(a - b).max())
        for a, b in zip(one, two, strict=True)
        if a.dtype == "float32"
    )


def quiet_encoder():
    from tests import checks

    return checks.tiny_encoder(num_layers=1, dropout=0.0, attention_dropout=0.0)


def train_logits():
    import keras

    from semmatch import pair_dataset
    from tests import checks

    pairs = checks.toy_pairs(38)
    model = checks.tiny_model(quiet_encoder(), dropout=0.0)
    model.compile(keras.optimizers.SGD(0.1))
    data = pair_dataset(
        pairs, model.preprocessor, batch_size=16, shuffle=True, seed=1
    )
    before = model.get_weights()
    model.fit(data, validation_data=pairs, epochs=2, verbose=0)
    model.score([("取消", "还款")])
    model.evaluate(pairs, verbose=0)
    return before, model.get_weights(), model.weights[0]


def train_vectors():
    import keras

    from semmatch import BiEncoder
    from semmatch import pair_dataset
    from semmatch.models import BiEncoderPreprocessor
    from tests import checks

    preprocessor = BiEncoderPreprocessor.from_texts(
        checks.TEXTS, sequence_length=16
    )
    model = BiEncoder(quiet_encoder(), preprocessor)
    model.compile(keras.optimizers.SGD(0.05))
    before = model.get_weights()
    pairs = checks.toy_pairs(38)
    data = pair_dataset(pairs, preprocessor, batch_size=16)
    model.fit(data, epochs=2, verbose=0)
    model.encode(["取消"])
    return before, model.get_weights(), model.weights[0]


def train_distilled():
    import keras

    from semmatch import DistillationModel
    from tests import checks

    keras.utils.set_random_seed(0)
    teacher = checks.tiny_model(dropout=0.0)
    student = checks.tiny_model(quiet_encoder(), dropout=0.0)
    model = DistillationModel(teacher, student, temperature=1.0)
    model.compile(keras.optimizers.SGD(0.1))
    before = student.get_weights()
    model.fit(checks.toy_pairs(38), batch_size=16, epochs=2, verbose=0)
    return before, student.get_weights(), student.weights[0]


if __name__ == "__main__":
    main()
