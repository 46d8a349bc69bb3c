"""From a folder to a model, and back."""

import dataclasses
import importlib
import json
import warnings
from pathlib import Path

import keras

from semmatch import checkpoints
from semmatch._folders import PRESET_FILE
from semmatch._folders import WEIGHTS_FILE
from semmatch._folders import writing_folder
from semmatch._json import read_json_object
from semmatch._version import __version__
from semmatch.models.encoder_source import read_source
from semmatch.models.trainable import has_lora
from semmatch.models.trainable import merged_weights
from semmatch.models.trainable import set_trainable
from semmatch.tokenizers import Tokenizer

# Another one of these leaves the scores of a model what they are.
_SAME_SCORES = {"dropout", "dropout_samples", "pair_classes"}


def save(model, folder):
    """Writes a model as a preset: configuration, float32 weights, tokenizer.

    Args:
        model: `CrossEncoder` or `BiEncoder` with a preprocessor.
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
    # The head of a training, which is not among the weights either.
    config.pop("pair_classes", None)
    record = {
        "class_name": type(model).__name__,
        "semmatch_version": __version__,
        "config": config,
    }
    with writing_folder(folder) as target:
        model.preprocessor.tokenizer.save(target)
        # Keras would add up matrices and LoRA in the policy's bfloat16.
        saved = float32_twin(model) if has_lora(model) else model
        _plain(saved).save_weights(target / WEIGHTS_FILE)
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (target / PRESET_FILE).write_text(text, encoding="utf-8")


def _plain(model):
    """The same layers without the optimizer, which weight files include."""
    return keras.Model(model.input, model.output)


def load(
    model_class, preset, *, build, num_layers, dtype, trainable, head, packing
):
    """Loads a model from a folder; see the `from_preset` of its class.

    Args:
        model_class: `CrossEncoder` or `BiEncoder`.
        preset: folder of our own or of a checkpoint, or a handle of KerasHub.
        build: function of `from_checkpoint`, for the latter.
        num_layers: int, or None for all.
        dtype: dtype policy, or None for the global one.
        trainable: string, as of `set_trainable`.
        head: a dict of the arguments of `model_class` that are asked for.
        packing: a dict of `normalizer` and of arguments of the preprocessor,
            each None for that of the folder.
    """
    folder = Path(preset)
    dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    if (folder / PRESET_FILE).is_file():
        saved = _load_own(model_class, folder, packing, dtype)
        model = _with_changes(saved, num_layers, head)
    else:
        source = read_source(preset, num_layers=num_layers, dtype=dtype)
        model = build(model_class, source, head, packing)
    set_trainable(model, trainable)
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
    path = folder / PRESET_FILE
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
    encoder = config["backbone"]["config"]
    encoder["dtype"] = policy
    initializer = encoder.get("initializer")
    if config["backbone"]["class_name"] == "TextEncoder":
        # As of `empty_encoder`.
        encoder["initializer"] = "zeros"
    preprocessor = config["preprocessor"]["config"]
    tokenizer = Tokenizer.from_folder(folder)
    for name, value in packing.items():
        if value is None:
            continue
        if name == "normalizer":
            tokenizer = tokenizer.with_normalizer(value)
        else:
            preprocessor[name] = value
    preprocessor["tokenizer"] = tokenizer.to_json()
    model = model_class.from_config(config)
    model.backbone.initializer = keras.initializers.get(initializer)
    _plain(model).load_weights(folder / WEIGHTS_FILE)
    used = tuple(variable.path for variable in model.variables)
    model.load_report = checkpoints.LoadReport(used, unused={})
    return model


def _with_changes(saved, num_layers, head):
    """The loaded model with another number of layers or another head."""
    own = saved.get_config()
    own = {name: own[name] for name in saved.head_arguments}
    wanted = {**own, **head}
    if num_layers is None and wanted == own:
        return saved
    encoder = saved.backbone
    if num_layers is not None:
        encoder = _first_layers(encoder, num_layers)
    changed = {name for name in own if wanted[name] != own[name]}
    same_head = changed <= saved.kept_head_arguments
    same_scores = changed <= _SAME_SCORES
    wanted.setdefault("scoring", saved.scoring if same_scores else None)
    model = type(saved)(encoder, saved.preprocessor, **wanted)
    model.load_report = saved.load_report
    layers = {layer.name for layer in model.layers} & set(saved.head_layers)
    kept = {layer.name for layer in saved.layers} & layers
    if not same_head:
        kept = set()
    for name in kept:
        weights = saved.get_layer(name).get_weights()
        model.get_layer(name).set_weights(weights)
    fresh = tuple(name for name in saved.head_layers if name in layers - kept)
    if fresh:
        model.load_report = dataclasses.replace(
            saved.load_report, initialised=fresh[-1:]
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
    """A copy of a model that computes in float32; exports stand on it.

    What LoRA adds to a matrix is in the matrix of the copy.
    """
    config = model.get_config()
    config["backbone"]["config"]["dtype"] = "float32"
    # The head of a training, which exports and presets leave out.
    config.pop("pair_classes", None)
    twin = type(model).from_config(config)
    weights = merged_weights(model)
    for variable in twin.weights:
        variable.assign(weights[variable.path])
    return twin
