"""All that a training goes on from, as arrays and JSON values."""

import random

import keras
import numpy as np

# Of Keras's callbacks, what they remember from epoch to epoch.
_REMEMBERED = {
    keras.callbacks.EarlyStopping: (
        "wait",
        "stopped_epoch",
        "best",
        "best_epoch",
        "best_weights",
    ),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: (
        "best",
        "_batches_seen_since_last_saving",
        "_last_batch_seen",
    ),
    keras.callbacks.History: ("epoch", "history"),
}


def variables_by_part(model):
    """The variables of a training.

    Args:
        model: a compiled Keras model, its optimizer built.

    Returns:
        A dict of `model`, with the seeds of dropout and whatever else is not
        trained; `optimizer`, with moments, averages and the step; and
        `metrics`.
    """
    return {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }


def read_variables(model):
    """The values of all variables, a dict of arrays."""
    return {
        f"{part}/{place}": keras.ops.convert_to_numpy(variable)
        for part, variables in variables_by_part(model).items()
        for place, variable in enumerate(variables)
    }


def write_variables(model, arrays, parts):
    """Sets the variables of some parts.

    Args:
        model: as of `variables_by_part`.
        arrays: dict, as of `read_variables`.
        parts: tuple of strings.

    Raises:
        ValueError: if there are not as many variables as arrays.
    """
    found = variables_by_part(model)
    for part in parts:
        count = sum(name.startswith(f"{part}/") for name in arrays)
        if count != len(found[part]):
            raise ValueError(
                f"The checkpoint has {count} variables of the {part}, and the "
                f"training has {len(found[part])}. Build and compile the "
                "model as it was, or delete the checkpoint to train anew."
            )
        for place, variable in enumerate(found[part]):
            variable.assign(arrays[f"{part}/{place}"])


def read_random():
    """The state of Python's and of numpy's generators, as JSON values."""
    version, words, gauss = random.getstate()
    state = np.random.get_state(legacy=False)
    return {
        "python": [version, list(words), gauss],
        "numpy": [
            state["bit_generator"],
            state["state"]["key"].tolist(),
            state["state"]["pos"],
            state["has_gauss"],
            state["gauss"],
        ],
    }


def write_random(state):
    """Sets both generators to what `read_random` gave."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(tuple(state["numpy"]))


def read_callbacks(callbacks):
    """What callbacks remember.

    A callback of one's own names it in an attribute `remembered`, a tuple of
    names of attributes whose values are numbers, strings, None, arrays, or
    lists, tuples and dicts of these.

    Args:
        callbacks: list of `keras.callbacks.Callback`.

    Returns:
        A dict of arrays, and a dict of JSON values.

    Raises:
        TypeError: if a value is something else.
    """
    arrays, values = {}, {}
    for key, callback in _by_key(callbacks):
        for name in _remembered(callback):
            value = getattr(callback, name)
            try:
                values[f"{key}/{name}"] = _apart(
                    value, f"callbacks/{key}/{name}", arrays
                )
            except (TypeError, ValueError) as error:
                raise TypeError(
                    f"What `{type(callback).__name__}.remembered` names must "
                    "be numbers, strings, None, arrays, or lists, tuples and "
                    f"dicts of these. Received: {name}={value!r}."
                ) from error
    return arrays, values


def write_callbacks(callbacks, arrays, values):
    """Gives callbacks what they remembered; new ones stay as they are.

    Args:
        callbacks: list of `keras.callbacks.Callback`.
        arrays: dict, as `read_callbacks` gives it.
        values: dict, the same.
    """
    for key, callback in _by_key(callbacks):
        for name in _remembered(callback):
            if f"{key}/{name}" in values:
                value = _together(values[f"{key}/{name}"], arrays)
                setattr(callback, name, value)


def _by_key(callbacks):
    """Callbacks by class, and by place among those of one class."""
    counts = {}
    for callback in callbacks:
        name = type(callback).__name__
        counts[name] = counts.get(name, -1) + 1
        yield f"{name}.{counts[name]}", callback


def _remembered(callback):
    names = list(getattr(callback, "remembered", ()))
    for kind, own in _REMEMBERED.items():
        if isinstance(callback, kind):
            names += own
    return names


def _apart(value, path, arrays):
    """JSON values, in which arrays are named and go into a dict."""
    if isinstance(value, dict):
        # As pairs, since JSON makes strings of all keys.
        pairs = list(value.items())
        return {"dict": _apart(pairs, path, arrays)}
    if isinstance(value, tuple):
        return {"tuple": _apart(list(value), path, arrays)}
    if isinstance(value, list):
        return [
            _apart(inner, f"{path}/{place}", arrays)
            for place, inner in enumerate(value)
        ]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    array = keras.ops.convert_to_numpy(value)
    if array.dtype == object:
        raise TypeError(f"{value!r} is none of these.")
    if array.ndim == 0:
        return array.item()
    arrays[path] = array
    return {"array": path}


def _together(value, arrays):
    if isinstance(value, list):
        return [_together(inner, arrays) for inner in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    kind = {"dict": dict, "tuple": tuple}
    [(name, inner)] = value.items()
    return kind[name](_together(inner, arrays))
