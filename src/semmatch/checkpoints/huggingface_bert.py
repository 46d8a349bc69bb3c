"""Hugging Face folders of `model_type` "bert".

Source: transformers' `BertModel` and `BertForSequenceClassification`.
"""

import dataclasses

import numpy as np

from semmatch._json import read_json_object
from semmatch.checkpoints.bert_config import keep_first_layers
from semmatch.checkpoints.bert_config import read_bert_config
from semmatch.checkpoints.bert_config import read_limit
from semmatch.checkpoints.format import apply_rules
from semmatch.checkpoints.format import checkpoint
from semmatch.checkpoints.format import read_classifier
from semmatch.checkpoints.format import Rule
from semmatch.checkpoints.tensors import open_tensors

NAME = "Hugging Face BERT"
CONFIG_FILE = "config.json"

_HEAD = ("classifier.weight", "classifier.bias")

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}


def matches(folder):
    """Whether a folder is of this format."""
    path = folder / CONFIG_FILE
    return path.is_file() and read_json_object(path).get("model_type") == "bert"


def sequence_length(folder):
    """The tokenizer's limit where it has one, else that of the positions."""
    limit = read_limit(folder / CONFIG_FILE)
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return limit
    record = read_json_object(path)
    # transformers writes 1e30 for "none".
    return int(min(limit, record.get("model_max_length") or limit))


def read(folder, num_layers=None):
    """Reads a folder of this format.

    Args:
        folder: `pathlib.Path`.
        num_layers: int or None, keeps the first layers alone.

    Returns:
        `Checkpoint`.
    """
    path = folder / CONFIG_FILE
    arguments, unknown = read_bert_config(
        path, read_json_object(path), _ACTIVATIONS
    )
    layers = keep_first_layers(arguments, num_layers, folder)
    tensors = open_tensors(folder)
    word_embeddings = "embeddings.word_embeddings.weight"
    prefix = "bert." if f"bert.{word_embeddings}" in tensors else ""
    rules = _rules(arguments)
    pooler = [f"{prefix}pooler.dense.{part}" for part in ("weight", "bias")]
    if len(set(pooler) & set(tensors)) == 1:
        # One half of a pooler cannot be used.
        rules = [rule for rule in rules if not rule.optional]
    arrays, report = apply_rules(
        tensors, prefix, rules, _unused(prefix, arguments["num_layers"], layers)
    )
    arguments["pooler"] = "pooler/kernel" in arrays
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


def _rules(arguments):
    """Each tensor of the encoder, with the shape it must have."""
    dim = arguments["hidden_dim"]
    inner = arguments["intermediate_dim"]

    def dense(source, target, inputs, outputs, optional=False):
        kernel = Rule(
            f"{source}.weight",
            f"{target}/kernel",
            (outputs, inputs),
            np.transpose,
            optional,
        )
        bias = Rule(
            f"{source}.bias", f"{target}/bias", (outputs,), optional=optional
        )
        return [kernel, bias]

    def norm(source, target):
        # Conversions from TensorFlow kept its names, gamma and beta.
        return [
            Rule(f"{source}.weight|{source}.gamma", f"{target}/gamma", (dim,)),
            Rule(f"{source}.bias|{source}.beta", f"{target}/beta", (dim,)),
        ]

    def embedding(source, target, size):
        return Rule(
            f"embeddings.{source}.weight", f"{target}/embeddings", (size, dim)
        )

    words = arguments["vocabulary_size"]
    positions = arguments["max_sequence_length"]
    rules = [
        embedding("word_embeddings", "token_embedding", words),
        embedding("position_embeddings", "position_embedding", positions),
        *norm("embeddings.LayerNorm", "embedding_norm"),
        *dense("pooler.dense", "pooler", dim, dim, optional=True),
    ]
    segments = arguments["num_segments"]
    if segments:
        rules.append(
            embedding("token_type_embeddings", "segment_embedding", segments)
        )
    for index in range(arguments["num_layers"]):
        theirs = f"encoder.layer.{index}"
        ours = f"block_{index}"
        attention = f"{theirs}.attention"
        for name in ("query", "key", "value"):
            rules += dense(
                f"{attention}.self.{name}", f"{ours}/{name}", dim, dim
            )
        rules += [
            *dense(
                f"{attention}.output.dense",
                f"{ours}/attention_output",
                dim,
                dim,
            ),
            *norm(f"{attention}.output.LayerNorm", f"{ours}/attention_norm"),
            *dense(
                f"{theirs}.intermediate.dense",
                f"{ours}/intermediate",
                dim,
                inner,
            ),
            *dense(f"{theirs}.output.dense", f"{ours}/output", inner, dim),
            *norm(f"{theirs}.output.LayerNorm", f"{ours}/output_norm"),
        ]
    return rules


def _unused(prefix, kept, layers):
    """What may lie in the file besides the rules' tensors, and why."""
    dropped = "|".join(str(index) for index in range(kept, layers)) or "(?!)"
    return [
        (
            rf"{prefix}encoder\.layer\.({dropped})\..*",
            f"only the first {kept} layers are kept",
        ),
        (rf"{prefix}embeddings\.(position|token_type)_ids", "a constant"),
        (r"cls\..*", "head of the pretraining"),
        (r"classifier\.(weight|bias)", "head of another task"),
        (rf"{prefix}pooler\.dense\.(weight|bias)", "the pooler is incomplete"),
    ]
