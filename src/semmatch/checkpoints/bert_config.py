"""The configuration file of BERT, as Google and Hugging Face write it."""

from semmatch._json import read_json_object

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


def read_limit(path):
    """The most tokens that a configuration file has positions for."""
    limit = read_json_object(path).get("max_position_embeddings")
    if not isinstance(limit, int):
        raise ValueError(
            f"{path} lacks max_position_embeddings, a number. It is not the "
            "configuration of a BERT encoder."
        )
    return limit


def read_bert_config(path, config, activations):
    """Arguments of `TextEncoder` from a configuration.

    Args:
        path: of the file, for messages.
        config: a dict, its content.
        activations: a dict from the file's names of activations to ours.

    Returns:
        A dict of arguments, and a tuple of the keys that are not known.

    Raises:
        ValueError: if a key is missing, or has a value under which the
            outputs would be others than `TextEncoder` computes.
    """
    config = {**_DEFAULTS, **config}
    missing = sorted(set(_CONFIG) - set(config))
    if missing:
        raise ValueError(
            f"{path} lacks {', '.join(missing)}. It is not the configuration "
            "of a BERT encoder."
        )
    for key, value in _REQUIRED_VALUES.items():
        if config.get(key, value) != value:
            raise ValueError(
                f"{path}: {key} must be {value!r}; semmatch has no other "
                f"form. Received: {key}={config[key]!r}."
            )
    if config["hidden_act"] not in activations:
        raise ValueError(
            f"{path}: hidden_act must be one of {sorted(activations)}. "
            f"Received: hidden_act={config['hidden_act']!r}."
        )
    known = {*_CONFIG, *_REQUIRED_VALUES, *_HARMLESS, "hidden_act"}
    unknown = tuple(sorted(set(config) - known))
    arguments = {ours: config[theirs] for theirs, ours in _CONFIG.items()}
    arguments["activation"] = activations[config["hidden_act"]]
    return arguments, unknown


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
