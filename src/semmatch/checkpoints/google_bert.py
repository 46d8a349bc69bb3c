"""Folders of Google's BERT: `bert_config*.json` and a TensorFlow checkpoint.

The downloads of Chinese-BERT-wwm (RoBERTa-wwm-ext, RBT3, RBT4, RBT6, RBTL3) and
MacBERT are such.

Source: google-research/bert, modeling.py, and run_classifier.py for the head.
"""

import dataclasses

from semmatch._json import read_json_object
from semmatch.checkpoints.bert_config import keep_first_layers
from semmatch.checkpoints.bert_config import read_bert_config
from semmatch.checkpoints.bert_config import read_limit
from semmatch.checkpoints.format import apply_rules
from semmatch.checkpoints.format import checkpoint
from semmatch.checkpoints.format import read_classifier
from semmatch.checkpoints.format import Rule
from semmatch.checkpoints.tensorflow_tensors import open_checkpoint

NAME = "Google BERT (TensorFlow)"

# Its `gelu` is the approximation by tanh.
_ACTIVATIONS = {"gelu": "gelu_tanh", "relu": "relu"}

_HEAD = ("output_weights", "output_bias")

# What training leaves in the file.
_SLOTS = r"(adam_m|adam_v|Adam|Adam_1|lamb_m|lamb_v)"


def matches(folder):
    """Whether a folder is of this format."""
    return any(folder.glob("bert_config*.json"))


def sequence_length(folder):
    """The number of positions."""
    return read_limit(_config_file(folder))


def read(folder, num_layers=None):
    """Reads a folder of this format.

    Args:
        folder: `pathlib.Path`.
        num_layers: int or None, keeps the first layers alone.

    Returns:
        `Checkpoint`.
    """
    path = _config_file(folder)
    arguments, unknown = read_bert_config(
        path, read_json_object(path), _ACTIVATIONS
    )
    layers = keep_first_layers(arguments, num_layers, folder)
    tensors = open_checkpoint(folder)
    has_pooler = "bert/pooler/dense/kernel" in tensors
    arguments["pooler"] = has_pooler
    arrays, report = apply_rules(
        tensors, "bert/", _rules(arguments), _unused(arguments, layers)
    )
    report = dataclasses.replace(report, ignored_config=unknown)
    head = read_classifier(tensors, _HEAD, arguments["hidden_dim"])
    return checkpoint(
        arguments,
        arrays,
        head,
        _HEAD,
        sequence_length(folder),
        report,
    )


def _config_file(folder):
    path, *more = sorted(folder.glob("bert_config*.json"))
    if more:
        raise ValueError(
            f"{folder} holds several configurations: {path.name}, "
            f"{', '.join(other.name for other in more)}. Keep the one that "
            "belongs to the checkpoint."
        )
    return path


def _rules(arguments):
    """Each tensor of the encoder, with the shape it must have."""
    dim = arguments["hidden_dim"]
    inner = arguments["intermediate_dim"]

    def dense(source, target, inputs, outputs):
        return [
            Rule(f"{source}/kernel", f"{target}/kernel", (inputs, outputs)),
            Rule(f"{source}/bias", f"{target}/bias", (outputs,)),
        ]

    def norm(source, target):
        return [
            Rule(f"{source}/LayerNorm/{name}", f"{target}/{name}", (dim,))
            for name in ("gamma", "beta")
        ]

    sizes = {
        "word": ("token", arguments["vocabulary_size"]),
        "position": ("position", arguments["max_sequence_length"]),
        "token_type": ("segment", arguments["num_segments"]),
    }
    rules = [
        Rule(
            f"embeddings/{theirs}_embeddings",
            f"{ours}_embedding/embeddings",
            (size, dim),
        )
        for theirs, (ours, size) in sizes.items()
        if size
    ]
    rules += norm("embeddings", "embedding_norm")
    if arguments["pooler"]:
        rules += dense("pooler/dense", "pooler", dim, dim)
    for index in range(arguments["num_layers"]):
        theirs, ours = f"encoder/layer_{index}", f"block_{index}"
        for name in ("query", "key", "value"):
            source = f"{theirs}/attention/self/{name}"
            rules += dense(source, f"{ours}/{name}", dim, dim)
        rules += [
            *dense(
                f"{theirs}/attention/output/dense",
                f"{ours}/attention_output",
                dim,
                dim,
            ),
            *norm(f"{theirs}/attention/output", f"{ours}/attention_norm"),
            *dense(
                f"{theirs}/intermediate/dense",
                f"{ours}/intermediate",
                dim,
                inner,
            ),
            *dense(f"{theirs}/output/dense", f"{ours}/output", inner, dim),
            *norm(f"{theirs}/output", f"{ours}/output_norm"),
        ]
    return rules


def _unused(arguments, layers):
    """What may lie in the file besides the rules' tensors, and why."""
    kept = arguments["num_layers"]
    dropped = "|".join(str(index) for index in range(kept, layers)) or "(?!)"
    return [
        (rf".+/{_SLOTS}|{'|'.join(_HEAD)}/{_SLOTS}", "state of the optimizer"),
        (r"global_step|beta[12]_power", "state of the optimizer"),
        (
            rf"bert/encoder/layer_({dropped})/.*",
            f"only the first {kept} layers are kept",
        ),
        (r"cls/.*", "head of the pretraining"),
        ("|".join(_HEAD), "head of another task"),
    ]
