"""What sentence-transformers writes around an encoder.

A folder of it lists its modules in `modules.json`: the encoder, and after it
pooling, a dense layer, normalisation, each with a folder of its own. Older
versions name other classes for the same modules.

Source: sentence-transformers 2 to 6, `SentenceTransformer.save`.
"""

import dataclasses
from pathlib import Path

import numpy as np

from semmatch._json import read_json_list
from semmatch._json import read_json_object
from semmatch._similarity import SIMILARITIES
from semmatch.checkpoints.format import check_finite
from semmatch.checkpoints.tensors import open_tensors

MODULES_FILE = "modules.json"
LENGTH_FILE = "sentence_bert_config.json"
PROMPTS_FILE = "config_sentence_transformers.json"

# Their names of ways of pooling, new and old.
_POOLINGS = {
    "cls": "cls",
    "mean": "mean",
    "max": "max",
    "mean_sqrt_len_tokens": "mean_sqrt",
    "weightedmean": "weighted_mean",
    "lasttoken": "last",
}
OLD_POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt",
    "pooling_mode_weightedmean_tokens": "weighted_mean",
    "pooling_mode_lasttoken": "last",
}
ACTIVATIONS = {
    "torch.nn.modules.linear.Identity": None,
    "torch.nn.modules.activation.Tanh": "tanh",
    "torch.nn.modules.activation.ReLU": "relu",
    "torch.nn.modules.activation.GELU": "gelu",
    "torch.nn.modules.activation.Sigmoid": "sigmoid",
}
# Of a dense layer; another key would change what it computes.
_DENSE_KEYS = {
    "in_features",
    "out_features",
    "bias",
    "activation_function",
    "module_input_name",
    "module_output_name",
}
_PASSAGE_PROMPTS = ("document", "passage", "corpus")


@dataclasses.dataclass(frozen=True)
class Modules:
    """What stands around the encoder.

    Attributes:
        encoder: `pathlib.Path`, the folder of the encoder.
        is_cross_encoder: bool, whether it reads pairs.
        pooling: string or None, as of `BiEncoder`.
        projection: a dict of `kernel` `(inputs, outputs)` and `bias` of the
            dense layer, or None.
        activation: string or None, the dense layer's.
        normalize: bool.
        sequence_length: int or None.
        lowercase: bool, whether texts are lower-cased before the tokenizer.
        query_prompt: string.
        passage_prompt: string.
        similarity: string.
    """

    encoder: Path
    is_cross_encoder: bool
    pooling: str | None
    projection: dict | None
    activation: str | None
    normalize: bool
    sequence_length: int | None
    lowercase: bool
    query_prompt: str
    passage_prompt: str
    similarity: str


def matches(folder):
    """Whether a folder is of this format."""
    return (Path(folder) / MODULES_FILE).is_file()


def read(folder):
    """Reads all but the encoder.

    Args:
        folder: path.

    Returns:
        `Modules`.

    Raises:
        FileNotFoundError: if the folder of a module lacks its file.
        ValueError: for modules that semmatch has no form of, and in another
            order than encoder, pooling, dense layer, normalisation.
    """
    folder = Path(folder)
    modules = _list_modules(folder / MODULES_FILE)
    encoder = modules.pop("Transformer")
    length = _optional(encoder / LENGTH_FILE)
    prompts = _optional(folder / PROMPTS_FILE)
    query, passage = _prompts(folder / PROMPTS_FILE, prompts)
    projection, activation = _dense(modules.get("Dense"))
    similarity = prompts.get("similarity_fn_name") or "cosine"
    if similarity not in SIMILARITIES:
        raise ValueError(
            f"{folder / PROMPTS_FILE}: similarity_fn_name must be one of "
            f"{SIMILARITIES}. Received: {similarity!r}."
        )
    return Modules(
        encoder=encoder,
        is_cross_encoder=prompts.get("model_type") == "CrossEncoder",
        pooling=_pooling(modules.get("Pooling")),
        projection=projection,
        activation=activation,
        normalize="Normalize" in modules,
        sequence_length=length.get("max_seq_length"),
        lowercase=bool(length.get("do_lower_case")),
        query_prompt=query,
        passage_prompt=passage,
        similarity=similarity,
    )


def _list_modules(path):
    """The folder of each module, by the name of its class."""
    found = {}
    for record in read_json_list(path):
        if not isinstance(record, dict) or not {"type", "path"} <= set(record):
            raise ValueError(
                f"{path} must list modules with `type` and `path`. Received: "
                f"{record!r}."
            )
        name = record["type"].split(".")[-1]
        if name in found:
            raise ValueError(
                f"{path} has several modules {name}; semmatch reads one of "
                "each kind."
            )
        found[name] = path.parent / record["path"]
    # Dropout does nothing outside of training.
    order = [name for name in found if name != "Dropout"]
    known = ["Transformer", "Pooling", "Dense", "Normalize"]
    if order != [n for n in known if n in found] or order[:1] != known[:1]:
        raise ValueError(
            f"{path} must have the modules {', '.join(known)} in this order, "
            "the first of them at least; semmatch has no other. Received: "
            f"{', '.join(order) or 'none'}."
        )
    return found


def _pooling(folder):
    if folder is None:
        return None
    path = folder / "config.json"
    config = read_json_object(path)
    new = config.get("pooling_mode")
    if new is None:
        modes = [ours for key, ours in OLD_POOLINGS.items() if config.get(key)]
    else:
        names = [new] if isinstance(new, str) else list(new)
        modes = [_POOLINGS.get(name, name) for name in names]
    if len(modes) != 1 or modes[0] not in _POOLINGS.values():
        raise ValueError(
            f"{path}: the pooling must be one of {sorted(_POOLINGS)}. "
            f"Received: {modes}; semmatch has no mixture of several."
        )
    if not config.get("include_prompt", True):
        raise ValueError(
            f"{path}: include_prompt is false, and semmatch does not pool "
            "without the prompt."
        )
    return modes[0]


def _dense(folder):
    """Kernel and bias of a dense layer, and the name of its activation."""
    if folder is None:
        return None, None
    path = folder / "config.json"
    config = read_json_object(path)
    place = config.get("module_input_name", "sentence_embedding")
    unknown = sorted(set(config) - _DENSE_KEYS)
    if unknown or place != "sentence_embedding":
        raise ValueError(
            f"{path}: semmatch has dense layers on the pooled vector alone. "
            f"Received: module_input_name={place!r} and the unknown keys "
            f"{unknown}."
        )
    theirs = config.get("activation_function")
    if theirs not in ACTIVATIONS:
        raise ValueError(
            f"{path}: activation_function must be one of "
            f"{sorted(ACTIVATIONS)}. Received: {theirs!r}."
        )
    tensors = open_tensors(folder)
    if "linear.weight" not in tensors:
        raise ValueError(
            f"{folder} lacks the tensor linear.weight. Received: "
            f"{', '.join(sorted(tensors))}. Download it again."
        )
    weight = tensors["linear.weight"]
    bias = tensors.get("linear.bias", np.zeros(len(weight), "float32"))
    shape = (config.get("out_features"), config.get("in_features"))
    if weight.shape != shape or bias.shape != shape[:1]:
        raise ValueError(
            f"{tensors.path('linear.weight')}: linear.weight must have the "
            f"shape {shape} and linear.bias {shape[:1]} by {path}. Received: "
            f"{weight.shape} and {bias.shape}."
        )
    for name in tensors:
        check_finite(tensors[name], name, tensors)
    kernel = np.ascontiguousarray(weight.T)
    return {"kernel": kernel, "bias": bias}, ACTIVATIONS[theirs]


def _prompts(path, config):
    """The prompt of queries and that of passages."""
    prompts = config.get("prompts") or {}
    name = config.get("default_prompt_name")
    if name is not None and name not in prompts:
        raise ValueError(
            f"{path}: default_prompt_name must be one of the prompts, "
            f"{sorted(prompts)}. Received: {name!r}."
        )
    default = prompts.get(name, "")
    passages = [prompts[key] for key in _PASSAGE_PROMPTS if prompts.get(key)]
    return prompts.get("query") or default, [*passages, default][0]


def _optional(path):
    return read_json_object(path) if path.is_file() else {}
