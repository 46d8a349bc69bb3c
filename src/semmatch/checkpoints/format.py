"""The engine of every checkpoint format: each tensor is accounted for."""

import dataclasses
import functools
import re
from collections.abc import Callable
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """What a load did with what it found.

    Attributes:
        used: tuple of strings, the tensors that became weights.
        unused: a dict from the other tensors to the reason.
        absent: tuple of strings, optional weights that the checkpoint lacks
            and the model does without.
        initialised: tuple of strings, weights the checkpoint lacks, which
            start at random.
        ignored_config: tuple of strings, configuration keys that are not
            known; what they mean for the outputs is not known either.
    """

    used: tuple
    unused: dict
    absent: tuple = ()
    initialised: tuple = ()
    ignored_config: tuple = ()

    def __str__(self):
        lines = [f"{len(self.used)} tensors used"]
        lines += [
            f"unused: {name} ({why})" for name, why in self.unused.items()
        ]
        lines += [f"absent, done without: {n}" for n in self.absent]
        lines += [f"initialised at random: {n}" for n in self.initialised]
        lines += [f"unknown in config.json: {n}" for n in self.ignored_config]
        return "\n".join(lines)


class Arrays(Mapping):
    """Arrays by name, each read when it is asked for.

    Args:
        readers: a dict from names to functions that read an array.

    >>> Arrays({"bias": lambda: np.zeros(2)})["bias"].tolist()
    [0.0, 0.0]
    """

    def __init__(self, readers):
        self.readers = readers

    def __getitem__(self, name):
        return self.readers[name]()

    def __iter__(self):
        return iter(self.readers)

    def __len__(self):
        return len(self.readers)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in our own names.

    Attributes:
        config: a dict of the arguments of `TextEncoder`.
        tensors: `Arrays`, float32, by the variable's path; all of them at
            once would take twice the memory of the model.
        head: a dict of `kernel` and `bias` of the classifier, or None.
        num_classes: int or None, the classes of the head.
        head_tensors: tuple of strings, the head's names in `report.used`.
        sequence_length: int, the longest input.
        report: `LoadReport`.
        name: string, the format's.
    """

    config: dict
    tensors: Arrays
    head: dict | None
    num_classes: int | None
    head_tensors: tuple
    sequence_length: int
    report: LoadReport
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Rule:
    """How one tensor becomes one variable.

    Attributes:
        source: string, the tensor's name; alternatives are separated by `|`.
        target: string, the variable's path.
        shape: tuple of int, the tensor's shape as the configuration says.
        transform: function from array to array.
    """

    source: str
    target: str
    shape: tuple
    transform: Callable = np.asarray


def apply_rules(tensors, rules, unused):
    """Reads what the rules name and accounts for the rest.

    Args:
        tensors: `Tensors`.
        rules: list of `Rule`.
        unused: a dict from patterns to the reason why such tensors are left
            out; patterns are regular expressions of the whole name, and the
            first that fits counts.

    Returns:
        `Arrays` by target, the `LoadReport`. To read an array that holds
        NaN or infinity is an error.

    Raises:
        ValueError: if a tensor is missing, unknown or of another shape.
    """
    readers, used, missing = {}, [], []
    for rule in rules:
        name = _find(rule.source, tensors)
        if name is None:
            missing.append(rule.source.split("|")[0])
            continue
        shape = tensors.shape(name)
        if shape != rule.shape:
            raise ValueError(
                f"{tensors.path(name)}: the tensor {name} must have the shape "
                f"{rule.shape} by config.json. Received: {shape}."
            )
        readers[rule.target] = functools.partial(
            _read, tensors, name, rule.transform
        )
        used.append(name)
    if missing:
        raise ValueError(
            f"The checkpoint lacks {len(missing)} tensors that config.json "
            f"asks for, the first being {missing[0]}. It holds: "
            f"{', '.join(sorted(tensors)[:5])} …"
        )
    reasons = {}
    for name in sorted(set(tensors) - set(used)):
        reasons[name] = _reason(name, unused)
    return Arrays(readers), LoadReport(tuple(used), reasons)


def read_classifier(tensors, names, hidden_dim):
    """The classifier of a checkpoint, or None where it has none.

    Args:
        tensors: `Tensors`, or another mapping with `path(name)`.
        names: the names of its weight, `(classes, hidden_dim)`, and bias.
        hidden_dim: int.

    Returns:
        A dict of `kernel`, `(hidden_dim, classes)`, and `bias`.

    Raises:
        ValueError: for other shapes and values that are not finite.
    """
    if not set(names) <= set(tensors):
        return None
    weight, bias = (tensors[name] for name in names)
    if bias.ndim != 1 or weight.shape != (len(bias), hidden_dim):
        raise ValueError(
            f"{tensors.path(names[0])}: the classifier must have the shapes "
            f"(classes, {hidden_dim}) and (classes,). Received: "
            f"{weight.shape} and {bias.shape}."
        )
    for name, array in zip(names, (weight, bias), strict=True):
        check_finite(array, name, tensors)
    return {"kernel": np.ascontiguousarray(weight.T), "bias": bias}


def checkpoint(arguments, arrays, head, head_names, sequence_length, report):
    """A `Checkpoint`; the head's tensors count as used if there is one."""
    names = () if head is None else tuple(head_names)
    rest = {n: why for n, why in report.unused.items() if n not in names}
    return Checkpoint(
        config=arguments,
        tensors=arrays,
        head=head,
        num_classes=None if head is None else len(head["bias"]),
        head_tensors=names,
        sequence_length=sequence_length,
        report=dataclasses.replace(
            report, used=report.used + names, unused=rest
        ),
    )


def check_finite(array, name, tensors):
    """Raises if `array`, read from `tensors`, holds NaN or infinity."""
    if not np.isfinite(array).all():
        raise ValueError(
            f"{tensors.path(name)}: the tensor {name} holds values that are "
            "not finite."
        )


def _read(tensors, name, transform):
    array = tensors[name]
    check_finite(array, name, tensors)
    return np.ascontiguousarray(transform(array))


def _find(source, tensors):
    return next((name for name in source.split("|") if name in tensors), None)


def _reason(name, unused):
    for pattern, reason in unused.items():
        if re.fullmatch(pattern, name):
            return reason
    raise ValueError(
        f"The checkpoint holds a tensor that its format does not have: {name}."
        " It is another architecture than config.json says, or one that "
        "semmatch does not know."
    )
