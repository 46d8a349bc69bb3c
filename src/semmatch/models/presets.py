"""From a folder to a model, and back."""

import dataclasses
import importlib
import json
import warnings
from pathlib import Path

import keras

from semmatch import checkpoints
from semmatch._folders import writing_folder
from semmatch._json import read_json_object
from semmatch._version import __version__
from semmatch.models.preprocessor import CrossEncoderPreprocessor
from semmatch.models.text_encoder import TextEncoder
from semmatch.tokenizers import Tokenizer

CONFIG_FILE = "semmatch_preset.json"
WEIGHTS_FILE = "model.weights.h5"


def save(model, folder):
    """Writes a model as a preset: configuration, float32 weights, tokenizer.

    Args:
        model: `CrossEncoder` with a preprocessor.
        folder: path; see `writing_folder`.
    """
    if model.preprocessor is None:
        raise ValueError(
            "A preset holds the tokenizer, and this model has no "
            "preprocessor. Give it one, or save its weights by "
            "`model.save_weights`."
        )
    config = keras.saving.serialize_keras_object(model)["config"]
    # The policy of the computation belongs to the machine, not the weights,
    # and the tokenizer lies beside in the file that everybody reads.
    del config["backbone"]["config"]["dtype"]
    del config["preprocessor"]["config"]["tokenizer"]
    record = {
        "class_name": type(model).__name__,
        "semmatch_version": __version__,
        "config": config,
    }
    with writing_folder(folder) as target:
        model.preprocessor.tokenizer.save(target)
        _plain(model).save_weights(target / WEIGHTS_FILE)
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (target / CONFIG_FILE).write_text(text, encoding="utf-8")


def _plain(model):
    """The same layers without the optimizer, which weight files include."""
    return keras.Model(model.input, model.output)


def load(model_class, folder, *, num_layers, dtype, head, **packing):
    """Loads a model from a folder; see the `from_preset` of its class.

    Args:
        model_class: `CrossEncoder`.
        folder: path of a preset of our own or of a checkpoint.
        num_layers: int, or None for all.
        dtype: dtype policy, or None for the global one.
        head: a dict of the arguments of `model_class` that are asked for.
        **packing: `sequence_length`, `truncation` and `normalizer`, each None
            for that of the folder.
    """
    folder = Path(folder)
    dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    if (folder / CONFIG_FILE).is_file():
        saved = _load_own(model_class, folder, packing, dtype)
        model = _with_changes(saved, num_layers, head)
    else:
        checkpoint = checkpoints.read_checkpoint(folder, num_layers=num_layers)
        model = _from_checkpoint(
            model_class, folder, checkpoint, packing, dtype, head
        )
    report = model.load_report
    if "head" in report.initialised and head.get("num_classes") is None:
        warnings.warn(
            f"{folder} has no head for this model: its {model.num_classes} "
            "logit starts at random. Train it before you score.",
            stacklevel=3,
        )
    if report.ignored_config:
        warnings.warn(
            f"{folder / 'config.json'} has settings that semmatch does not "
            f"know and leaves out: {', '.join(report.ignored_config)}.",
            stacklevel=3,
        )
    return model


def _load_own(model_class, folder, packing, dtype):
    """The model as it was saved, but for the policy and the length."""
    path = folder / CONFIG_FILE
    record = read_json_object(path)
    missing = {"class_name", "config"} - set(record)
    if missing:
        raise ValueError(
            f"{path} lacks {', '.join(sorted(missing))}: it is no preset, or a "
            "damaged one. Save the model again."
        )
    if record["class_name"] != model_class.__name__:
        raise ValueError(
            f"{folder} holds a `{record['class_name']}`: load it by "
            f"`{record['class_name']}.from_preset`. Received: "
            f"`{model_class.__name__}.from_preset`."
        )
    config = record["config"]
    policy = keras.dtype_policies.serialize(dtype)
    config["backbone"]["config"]["dtype"] = policy
    preprocessor = config["preprocessor"]["config"]
    preprocessor["tokenizer"] = _tokenizer(folder, packing).to_json()
    for name in ("sequence_length", "truncation"):
        if packing[name] is not None:
            preprocessor[name] = packing[name]
    model = model_class.from_config(config)
    _plain(model).load_weights(folder / WEIGHTS_FILE)
    used = tuple(variable.path for variable in model.variables)
    model.load_report = checkpoints.LoadReport(used, unused={})
    return model


def _with_changes(saved, num_layers, head):
    """The loaded model with another number of layers or another head."""
    own = {
        name: getattr(saved, name)
        for name in (
            "num_classes",
            "pooling",
            "hidden_dim",
            "dropout",
            "dropout_samples",
        )
    }
    wanted = {**own, **head}
    if num_layers is None and wanted == own:
        return saved
    encoder = saved.backbone
    if num_layers is not None:
        encoder = _first_layers(encoder, num_layers)
    # Neither dropout nor a name or scoring makes the head another one.
    changed = {name for name in own if wanted[name] != own[name]}
    same_head = changed <= {"dropout", "dropout_samples"}
    wanted.setdefault("scoring", saved.scoring if same_head else None)
    model = type(saved)(encoder, saved.preprocessor, **wanted)
    model.load_report = saved.load_report
    if same_head:
        for name in ("hidden", "head"):
            if name == "head" or saved.hidden_dim is not None:
                weights = saved.get_layer(name).get_weights()
                model.get_layer(name).set_weights(weights)
    else:
        model.load_report = dataclasses.replace(
            saved.load_report, initialised=("head",)
        )
    return model


def _first_layers(encoder, num_layers):
    if not 1 <= num_layers <= encoder.num_layers:
        raise ValueError(
            f"`num_layers` must be from 1 to {encoder.num_layers}, the layers "
            f"of the preset. Received: num_layers={num_layers}."
        )
    config = {**encoder.get_config(), "num_layers": num_layers}
    cut = type(encoder).from_config(config)
    values = {variable.path: variable for variable in encoder.weights}
    for variable in cut.weights:
        variable.assign(values[variable.path])
    return cut


def _tokenizer(folder, packing):
    tokenizer = Tokenizer.from_folder(folder)
    if packing["normalizer"] is None:
        return tokenizer
    return tokenizer.with_normalizer(packing["normalizer"])


def _from_checkpoint(model_class, folder, checkpoint, packing, dtype, head):
    encoder = TextEncoder(**checkpoint.config, dtype=dtype)
    variables = {variable.path: variable for variable in encoder.weights}
    for path, array in checkpoint.tensors.items():
        variables[path].assign(array)
    preprocessor = CrossEncoderPreprocessor(
        _tokenizer(folder, packing),
        packing["sequence_length"] or checkpoint.sequence_length,
        truncation=packing["truncation"] or "longest_first",
        segments=bool(encoder.num_segments),
    )
    # transformers puts its classifier on the pooler, and nowhere else.
    own_head = {
        "num_classes": checkpoint.num_classes,
        "pooling": "pooler",
        "hidden_dim": None,
    }
    wanted = {name: head.get(name, own) for name, own in own_head.items()}
    keeps_head = checkpoint.head is not None and wanted == own_head
    if keeps_head:
        head = {**head, **own_head}
    model = model_class(encoder, preprocessor, **head)
    report = checkpoint.report
    if keeps_head:
        kernel, bias = checkpoint.head["kernel"], checkpoint.head["bias"]
        model.get_layer("head").set_weights([kernel, bias])
    else:
        left = dict.fromkeys(checkpoint.head_tensors, "head of another task")
        report = dataclasses.replace(
            report,
            used=tuple(name for name in report.used if name not in left),
            unused={**report.unused, **left},
            initialised=(*report.initialised, "head"),
        )
    model.load_report = report
    return model


def load_model(path, compile=True):
    """Loads a model from a `.keras` file.

    Args:
        path: path of a file that `model.save` wrote.
        compile: bool; False takes the default optimizer, loss and metrics
            instead of the saved ones.

    Returns:
        The model.
    """
    # Importing them registers the classes that a file may name.
    importlib.import_module("semmatch.metrics")
    return keras.saving.load_model(path, compile=compile)


def float32_twin(model):
    """A copy of a model that computes in float32; exports stand on it."""
    config = model.get_config()
    config["backbone"]["config"]["dtype"] = "float32"
    twin = type(model).from_config(config)
    twin.set_weights(model.get_weights())
    return twin
