"""Which 8 bits a deploy folder is written in, by what they cost and gain."""

import contextlib
import dataclasses
import numbers
import os
import shutil
import tempfile
from pathlib import Path

from semmatch._checks import check_one_of
from semmatch._checks import shown
from semmatch.data import Pairs
from semmatch.export.calibration import calibrate
from semmatch.export.quantization_trials import measure_trials
from semmatch.export.quantize import quantize_int8
from semmatch.export.static_int8 import product_inputs
from semmatch.export.static_int8 import quantize_static
from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import read_config
from semmatch.serving.deploy_folder import write_config

# What may be lost where nothing else is said: 0.2 points of accuracy.
MAX_LOSS = 0.002


def _write_dynamic(folder, data):
    quantize_int8(folder / MODEL_FILE)


def _write_static(folder, data):
    path = folder / MODEL_FILE
    quantize_static(path, calibrate(folder, data, product_inputs(path)))


# What `export_onnx` takes for `quantize`, besides None and "auto".
_WRITERS = {"int8": _write_dynamic, "int8-static": _write_static}
CHOICES = (None, *_WRITERS, "auto")


def check_choice(quantize, data, max_loss):
    """Refuses what does not go together.

    Args:
        quantize: one of `CHOICES`.
        data: `Pairs` or None.
        max_loss: float or None.

    Raises:
        TypeError: if `data` is something else.
        ValueError: if one of them is missing, without effect or no loss.
    """
    check_one_of(quantize, CHOICES, "quantize")
    shown = f"quantize={quantize!r}"
    if data is not None:
        _check_data(data)
    elif quantize in ("auto", "int8-static"):
        raise ValueError(
            f"{shown} needs `data`: pairs such as those to be served, on which "
            "the ranges of activations are measured. Received: data=None. "
            "Pass `Pairs`, such as of `read_pairs`; quantize='int8' needs none."
        )
    labelled = data is not None and data.label is not None
    if quantize == "auto" and not labelled:
        raise ValueError(
            "quantize='auto' needs `data` with labels, by which it compares "
            f"accuracies. Received: {data!r}. quantize='int8-static' needs "
            "none."
        )
    if data is not None and quantize is None:
        raise ValueError(
            "`data` is what a quantisation is measured on. Received: "
            f"data={data!r} and quantize=None. Leave it out, or take "
            "quantize='auto'."
        )
    if data is not None and quantize == "int8" and not labelled:
        raise ValueError(
            "quantize='int8' measures no ranges, and accuracy needs labels. "
            f"Received: {data!r}. Leave `data` out, or give it labels."
        )
    if max_loss is None:
        return
    if not labelled or quantize is None:
        raise ValueError(
            "`max_loss` is of the accuracy of a quantised model on labelled "
            f"`data`. Received: max_loss={max_loss} with {shown} and "
            f"data={data!r}."
        )
    is_number = isinstance(max_loss, numbers.Real)
    if isinstance(max_loss, bool) or not (is_number and 0 <= max_loss <= 1):
        raise ValueError(
            "`max_loss` must be in [0, 1], such as 0.002 for 0.2 points of "
            f"accuracy. Received: max_loss={max_loss!r}."
        )


def write_quantized(folder, quantize, data, max_loss):
    """Replaces a deploy folder in float32 by a quantised one.

    Args:
        folder: `pathlib.Path`.
        quantize: one of `CHOICES`, not None.
        data: `Pairs` or None, as `check_choice` admits.
        max_loss: float, or None for 0.002.

    Returns:
        The quantisation that was written, None if `"auto"` left float32, and
        a tuple of `QuantizationTrial`, empty without labels.

    Raises:
        RuntimeError: if the one that was asked for loses more.
    """
    if data is None or data.label is None:
        _write(folder, quantize, data)
        return quantize, ()
    max_loss = MAX_LOSS if max_loss is None else max_loss
    names = tuple(_WRITERS) if quantize == "auto" else (quantize,)
    with _copies(folder, names) as copies:
        for name, copy in copies.items():
            _write(copy, name, data)
        trials = measure_trials({None: folder, **copies}, data)
        admitted = [one for one in trials if _is_admitted(one, max_loss)]
        if quantize != "auto":
            _check_loss(trials, max_loss, len(data))
            admitted = trials[1:]
        kept = min(admitted, key=lambda trial: trial.time).quantization
        if kept is not None:
            _replace(folder, copies[kept])
    return kept, tuple(trials)


def _check_data(data):
    if not isinstance(data, Pairs):
        raise TypeError(
            "`data` must be `Pairs`, such as of `read_pairs`. Received: "
            f"{shown(data)} of type {type(data).__name__}."
        )
    if not len(data):
        raise ValueError(
            f"`data` must have at least one pair. Received: {data!r}."
        )


def _is_admitted(trial, max_loss):
    # Of two figures the difference may be off by the last bits.
    return trial.loss <= max_loss + 1e-9


def _check_loss(trials, max_loss, num_pairs):
    whole, quantized = trials
    if not _is_admitted(quantized, max_loss):
        raise RuntimeError(
            f"quantize={quantized.quantization!r} loses {quantized.loss:.4f} "
            f"of {whole.figure} on {num_pairs:,} pairs, more than max_loss="
            f"{max_loss}: {whole.value:.4f} in float32, {quantized.value:.4f} "
            "quantised; nothing was written. quantize='auto' keeps what loses "
            "less, if need be float32; a larger `max_loss` admits it."
        )


def _write(folder, name, data):
    config = read_config(folder)
    _WRITERS[name](folder, data)
    write_config(folder, dataclasses.replace(config, quantization=name))


@contextlib.contextmanager
def _copies(folder, names):
    """Folders by name, each a copy, beside the folder and for a while."""
    # Beside it, since a rename must stay on one disk.
    with tempfile.TemporaryDirectory(
        prefix=f"{folder.name}-", dir=folder.parent
    ) as root:
        yield {
            name: shutil.copytree(folder, Path(root) / name) for name in names
        }


def _replace(folder, other):
    for file in folder.iterdir():
        file.unlink()
    for file in other.iterdir():
        os.replace(file, folder / file.name)
