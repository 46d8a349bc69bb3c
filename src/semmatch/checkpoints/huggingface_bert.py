"""Hugging Face folders of `model_type` "bert".

Source: transformers' `BertModel` and `BertForSequenceClassification`.
"""

import dataclasses

import numpy as np

from semmatch._json import read_json_object
from semmatch.checkpoints.format import apply_rules
from semmatch.checkpoints.format import check_finite
from semmatch.checkpoints.format import Checkpoint
from semmatch.checkpoints.format import Rule
from semmatch.checkpoints.tensors import open_tensors

NAME = "Hugging Face BERT"

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}

# Their names of the arguments of `TextEncoder`.
_CONFIG = {
    "vocab_size": "vocabulary_size",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "hidden_size": "hidden_dim",
    "intermediate_size": "intermediate_dim",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "max_position_embeddings": "max_sequence_length",
    "type_vocab_size": "num_segments",
    "layer_norm_eps": "layer_norm_epsilon",
}
# transformers' own defaults (BertConfig).
_DEFAULTS = {
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
}

# Another value changes the outputs in a way that `TextEncoder` has not.
_REQUIRED_VALUES = {
    "is_decoder": False,
    "add_cross_attention": False,
    "position_embedding_type": "absolute",
    "chunk_size_feed_forward": 0,
    "pruned_heads": {},
}

# They do not change what the encoder computes.
_HARMLESS = {
    "_name_or_path",
    "architectures",
    "attn_implementation",
    "bos_token_id",
    "classifier_dropout",
    "directionality",
    "dtype",
    "eos_token_id",
    "finetuning_task",
    "gradient_checkpointing",
    "id2label",
    "initializer_range",
    "label2id",
    "language",
    "model_type",
    "name",
    "num_labels",
    "output_past",
    "pad_token_id",
    "pooler_fc_size",
    "pooler_num_attention_heads",
    "pooler_num_fc_layers",
    "pooler_size_per_head",
    "pooler_type",
    "problem_type",
    "sentence_transformers",
    "tie_word_embeddings",
    "tokenizer_class",
    "torch_dtype",
    "transformers_version",
    "use_cache",
}


def matches(config):
    """Whether a folder's config.json, as a dict, is of this format."""
    return config.get("model_type") == "bert"


def read(folder, config, num_layers=None):
    """Reads a folder of this format.

    Args:
        folder: `pathlib.Path`.
        config: a dict, the content of its config.json.
        num_layers: int or None, keeps the first layers alone.

    Returns:
        `Checkpoint`.
    """
    arguments, unknown = _read_config(folder, config)
    layers = arguments["num_layers"]
    if num_layers is not None:
        if not 1 <= num_layers <= layers:
            raise ValueError(
                f"`num_layers` must be from 1 to {layers}, the layers of "
                f"{folder}. Received: num_layers={num_layers}."
            )
        arguments["num_layers"] = num_layers
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
    head, classes = _head(tensors, arguments["hidden_dim"])
    names = ()
    if head is not None:
        names = tuple(n for n in report.unused if n.startswith("classifier."))
        rest = {n: why for n, why in report.unused.items() if n not in names}
        report = dataclasses.replace(
            report, used=report.used + names, unused=rest
        )
    return Checkpoint(
        config=arguments,
        tensors=arrays,
        head=head,
        num_classes=classes,
        head_tensors=names,
        sequence_length=_sequence_length(folder, arguments),
        report=dataclasses.replace(report, ignored_config=unknown),
    )


def _read_config(folder, config):
    config = {**_DEFAULTS, **config}
    missing = sorted(set(_CONFIG) - set(config))
    if missing:
        raise ValueError(
            f"{folder / 'config.json'} lacks {', '.join(missing)}. It is not "
            "the configuration of a BERT encoder."
        )
    for key, value in _REQUIRED_VALUES.items():
        if config.get(key, value) != value:
            raise ValueError(
                f"{folder / 'config.json'}: {key} must be {value!r}; semmatch "
                f"has no other form. Received: {key}={config[key]!r}."
            )
    if config["hidden_act"] not in _ACTIVATIONS:
        raise ValueError(
            f"{folder / 'config.json'}: hidden_act must be one of "
            f"{sorted(_ACTIVATIONS)}. Received: "
            f"hidden_act={config['hidden_act']!r}."
        )
    known = {*_CONFIG, *_REQUIRED_VALUES, *_HARMLESS, "hidden_act"}
    unknown = tuple(sorted(set(config) - known))
    arguments = {ours: config[theirs] for theirs, ours in _CONFIG.items()}
    arguments["activation"] = _ACTIVATIONS[config["hidden_act"]]
    return arguments, unknown


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


def _head(tensors, hidden_dim):
    """The classifier of a `BertForSequenceClassification`, or None."""
    if not {"classifier.weight", "classifier.bias"} <= set(tensors):
        return None, None
    kernel = tensors["classifier.weight"]
    bias = tensors["classifier.bias"]
    classes = kernel.shape[0]
    if kernel.shape != (classes, hidden_dim) or bias.shape != (classes,):
        raise ValueError(
            f"{tensors.path('classifier.weight')}: the classifier must have "
            f"the shapes (classes, {hidden_dim}) and (classes,). Received: "
            f"{kernel.shape} and {bias.shape}."
        )
    check_finite(kernel, "classifier.weight", tensors)
    check_finite(bias, "classifier.bias", tensors)
    return {"kernel": kernel.T, "bias": bias}, classes


def _sequence_length(folder, arguments):
    """The tokenizer's limit where it has one, else that of the positions."""
    limit = arguments["max_sequence_length"]
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return limit
    record = read_json_object(path)
    # transformers writes 1e30 for "none".
    return int(min(limit, record.get("model_max_length") or limit))
