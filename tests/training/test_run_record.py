"""A training as JSON values, the same in every process."""

import json

import keras
import numpy as np
import pytest

from semmatch import DistillationModel
from semmatch.training.run import training_run
from semmatch.training.run_record import first_difference
from semmatch.training.run_record import plain
from semmatch.training.run_record import run_record
from tests.checks import run_python
from tests.models import distillation_cases
from tests.training import toy_training as toy


def record_of(model=None, data=None, **options):
    model = model or toy.toy_model()
    data = toy.toy_data() if data is None else data
    return run_record(training_run(model, data, None, options))


def test_it_survives_json_and_does_not_change_from_model_to_model():
    first = record_of()
    assert json.loads(json.dumps(first)) == first
    # Keras names the layers of each otherwise.
    assert record_of() == first


def test_it_has_what_decides_how_a_training_goes():
    record = record_of(steps_per_epoch=3, class_weight={1: 2.0, 0: 1.0})
    assert record["model"]["class"] == "ToyModel"
    assert "embeddings (64, 4)" in record["model"]["variables"]
    optimizer = record["compile"]["optimizer"]["config"]
    assert optimizer["learning_rate"] == pytest.approx(0.05)
    assert record["data"]["rows"] == 70
    assert record["fit"] == {
        "steps_per_epoch": 3,
        "class_weight": [[0, 1.0], [1, 2.0]],
    }
    assert record_of(data=object())["data"] is None


@pytest.mark.parametrize(
    "change, where",
    [
        ({"temperature": 3.0}, "soft_loss"),
        ({"soft_loss_weight": 0.25}, "weights.soft_loss"),
        (
            {
                "hard_loss_weight": (
                    keras.optimizers.schedules.ExponentialDecay(0.5, 9, 0.9)
                )
            },
            "weights.hard_loss",
        ),
        ({"teacher": None}, "teacher"),
    ],
)
def test_what_distils_says_how(change, where):
    def of(teacher=0, **options):
        if teacher is not None:
            teacher = distillation_cases.cross()
        student = distillation_cases.cross()
        model = DistillationModel(
            teacher, student, **{"temperature": 2.0, **options}
        )
        model.compile()
        return record_of(model)

    found = first_difference(of(), of(**change))
    assert found.startswith(f"model.distillation.{where}")


def test_values_become_those_of_json():
    class Thing:
        pass

    value = {
        "name": "dense_12",
        "tuple": (1, np.float32(0.5), None, True),
        "long": "x" * 5000,
        3: "dense_12",
        "thing": Thing(),
    }
    found = plain(value)
    assert found["name"] == "dense"
    assert found["3"] == "dense_12"
    assert found["tuple"] == [1, 0.5, None, True]
    assert found["long"].startswith("sha256:") and len(found["long"]) == 71
    assert found["thing"] == str(value["thing"]).split(" at 0x")[0] + ">"


@pytest.mark.parametrize(
    "one, other, expected",
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b.1 was 2 and is 3"),
        ({"a": 1}, {}, "a was 1 and is null"),
        ({}, {"a": "借"}, 'a was null and is "借"'),
        ({"a": [1]}, {"a": [1, 2]}, "a was [1] and is [1, 2]"),
        ({"a": "x" * 99}, {"a": 1}, f'a was "{"x" * 56}... and is 1'),
        ({"a": [1.0, float("nan")]}, {"a": [1.0, float("nan")]}, None),
    ],
)
def test_the_first_difference_is_told(one, other, expected):
    assert first_difference(one, other) == expected


@pytest.mark.slow
def test_another_process_has_the_same_record():
    code = """
import json
from tests.training.test_run_record import record_of
print(json.dumps(record_of()))
"""
    assert json.loads(run_python(code).splitlines()[-1]) == record_of()
