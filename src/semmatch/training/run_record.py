"""What a training is, as JSON values: to compare it, and to keep it."""

import hashlib
import json
import re

import keras

# Keras numbers layers of one kind as they are made: another number in another
# process.
_NUMBER = re.compile(r"_\d+$")

# Of strings such as a tokenizer the hash is enough.
_LONG = 1000


def run_record(run):
    """A dict of what decides how a training goes.

    Args:
        run: `TrainingRun`.

    Returns:
        A dict of `model`, `compile`, `data` and `fit`. The data are None
        where nobody knows what they are.
    """
    order = run.order
    settings = run.model.get_compile_config()
    # Whether it is depends on what was done before.
    settings.pop("optimizer_built", None)
    class_weight = run.options.get("class_weight")
    return plain(
        {
            "model": model_record(run.model),
            "compile": settings,
            "data": order and order.describe(),
            "fit": {
                "steps_per_epoch": run.options.get("steps_per_epoch"),
                "class_weight": class_weight
                and sorted(map(list, class_weight.items())),
            },
        }
    )


def model_record(model):
    """A dict of a model's class, configuration and variables.

    Args:
        model: a model of pairs, or one that distils.
    """
    serialize = keras.saving.serialize_keras_object
    # What distils is no model that can be saved; its student is.
    saved = getattr(model, "student", model)
    record = {
        "class": type(model).__name__,
        "config": serialize(saved)["config"],
        "variables": [
            f"{variable.path.split('/')[-1]} {tuple(variable.shape)}"
            for variable in model.variables
        ],
    }
    if saved is not model:
        teacher = model.teacher
        record["distillation"] = {
            "teacher": teacher and type(teacher).__name__,
            "soft_loss": serialize(model.soft_loss),
            "weights": serialize(model.weights_of_losses),
        }
    return record


def plain(value):
    """A structure as JSON reads it again, the same in every process.

    >>> plain({"name": "dense_1", "units": (3,)})
    {'name': 'dense', 'units': [3]}
    """
    if isinstance(value, dict):
        record = {str(key): plain(inner) for key, inner in value.items()}
        if isinstance(record.get("name"), str):
            record["name"] = _NUMBER.sub("", record["name"])
        return record
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and len(value) > _LONG:
        digest = hashlib.sha256(value.encode("utf-8")).hexdigest()
        return f"sha256:{digest}"
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "item"):
        return value.item()  # a number of numpy's
    # Without what differs from process to process.
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def first_difference(one, other, path=""):
    """Where two records differ, a sentence; None where they do not.

    Args:
        one: JSON values, of before.
        other: JSON values, of now.
        path: str, where in the record they stand.

    >>> first_difference({"rate": [1, 2]}, {"rate": [1, 3]})
    'rate.1 was 2 and is 3'
    """
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *(name for name in other if name not in one)]
        pairs = [(name, one.get(name), other.get(name)) for name in names]
    elif (
        isinstance(one, list)
        and isinstance(other, list)
        and len(one) == len(other)
    ):
        pairs = list(zip(range(len(one)), one, other, strict=True))
    else:
        # NaN is what it was as well.
        if json.dumps(one) == json.dumps(other):
            return None
        return f"{path} was {_short(one)} and is {_short(other)}"
    for name, before, now in pairs:
        inner = f"{path}.{name}" if path else str(name)
        found = first_difference(before, now, inner)
        if found is not None:
            return found
    return None


def _short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
