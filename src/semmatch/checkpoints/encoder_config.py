"""The configuration file of an encoder, as Google and Hugging Face write it."""

import dataclasses

from semmatch._json import read_json_object

# BERT's names of the arguments of `TextEncoder`.
BERT_NAMES = {
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
# transformers' own defaults (BertConfig), and Google's.
BERT_DEFAULTS = {
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
    "_num_labels",
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


@dataclasses.dataclass(frozen=True)
class ConfigKeys:
    """What a family calls the arguments of `TextEncoder`.

    Attributes:
        activations: a dict from its names of activations to ours.
        activation: string, the key that holds one of them.
        names: a dict from its keys to our arguments.
        defaults: a dict of its own defaults, by its keys.
        fixed: a dict of our arguments that it has no key for.
        required_values: a dict of the only values that `TextEncoder` has a
            form of, by its keys.
        harmless: a set of keys that change no output of the encoder.
    """

    activations: dict
    activation: str = "hidden_act"
    names: dict = dataclasses.field(default_factory=lambda: BERT_NAMES)
    defaults: dict = dataclasses.field(default_factory=lambda: BERT_DEFAULTS)
    fixed: dict = dataclasses.field(default_factory=dict)
    required_values: dict = dataclasses.field(default_factory=dict)
    harmless: frozenset = frozenset()


_FACTORIZED_NAMES = {**BERT_NAMES, "embedding_size": "embedding_dim"}

# ALBERT's and ELECTRA's, but for the meaning of "gelu".
ALBERT_CONFIG = ConfigKeys(
    activations={},
    names=_FACTORIZED_NAMES,
    defaults={
        **BERT_DEFAULTS,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
    fixed={"shared_layers": True},
    required_values={
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        # Of albert_zh, where it names the order of the norms.
        "ln_type": "postln",
    },
    harmless=frozenset(
        {
            "classifier_dropout_prob",
            "down_scale_factor",
            "gap_size",
            "net_structure_type",
            "num_memory_blocks",
        }
    ),
)
ELECTRA_CONFIG = ConfigKeys(
    activations={},
    names=_FACTORIZED_NAMES,
    harmless=frozenset(
        {
            "summary_activation",
            "summary_first_dropout",
            "summary_last_dropout",
            "summary_proj_to_labels",
            "summary_type",
            "summary_use_proj",
        }
    ),
)


def read_limit(path):
    """The most tokens that a configuration file has positions for."""
    limit = read_json_object(path).get("max_position_embeddings")
    if not isinstance(limit, int):
        raise ValueError(
            f"{path} lacks max_position_embeddings, a number. It is not the "
            "configuration of an encoder."
        )
    return limit


def read_config(path, keys):
    """Arguments of `TextEncoder` from a configuration.

    Args:
        path: of the file.
        keys: `ConfigKeys`.

    Returns:
        A dict of arguments, and a tuple of the keys that are not known.

    Raises:
        ValueError: if a key is missing, or has a value under which the
            outputs would be others than `TextEncoder` computes.
    """
    config = {**keys.defaults, **read_json_object(path)}
    missing = sorted({*keys.names, keys.activation} - set(config))
    if missing:
        raise ValueError(
            f"{path} lacks {', '.join(missing)}. It is not the configuration "
            "of an encoder, or not all of it."
        )
    required_values = {**_REQUIRED_VALUES, **keys.required_values}
    for key, value in required_values.items():
        if config.get(key, value) != value:
            raise ValueError(
                f"{path}: {key} must be {value!r}; semmatch has no other "
                f"form. Received: {key}={config[key]!r}."
            )
    activation = config[keys.activation]
    if activation not in keys.activations:
        raise ValueError(
            f"{path}: {keys.activation} must be one of "
            f"{sorted(keys.activations)}. Received: "
            f"{keys.activation}={activation!r}."
        )
    known = {*keys.names, *required_values, *_HARMLESS, *keys.harmless}
    unknown = tuple(sorted(set(config) - known - {keys.activation}))
    arguments = {ours: config[theirs] for theirs, ours in keys.names.items()}
    arguments["activation"] = keys.activations[activation]
    return {**arguments, **keys.fixed}, unknown


def keep_first_layers(arguments, num_layers, folder):
    """Sets the number of layers that are asked for, if there are as many.

    Args:
        arguments: a dict of `TextEncoder`'s, which is changed.
        num_layers: int or None for all.
        folder: path, for the message.

    Returns:
        int, the layers of the checkpoint.
    """
    layers = arguments["num_layers"]
    if num_layers is not None:
        if not 1 <= num_layers <= layers:
            raise ValueError(
                f"`num_layers` must be from 1 to {layers}, the layers of "
                f"{folder}. Received: num_layers={num_layers}."
            )
        arguments["num_layers"] = num_layers
    return layers
