"""Writes an encoder as a folder that transformers loads."""

import json

import numpy as np
from safetensors.numpy import save_file

from semmatch.checkpoints import huggingface_albert
from semmatch.checkpoints import huggingface_bert
from semmatch.checkpoints import huggingface_distilbert
from semmatch.checkpoints import huggingface_electra
from semmatch.checkpoints.huggingface import CONFIG_FILE
from semmatch.checkpoints.tensors import SINGLE_FILE

_CLASSES = {"bert": "Bert", "albert": "Albert", "electra": "Electra"} | {
    "distilbert": "DistilBert"
}


def write_checkpoint(folder, config, tensors, head=None, **settings):
    """Writes `config.json` and `model.safetensors`.

    RoBERTa is written as BERT, which it is once its positions are counted
    from 0; so is an encoder without segments, whose table is zeros then.

    Args:
        folder: `pathlib.Path`, which exists.
        config: a dict of the arguments of `TextEncoder`.
        tensors: a dict from a variable's path to a float32 array.
        head: a dict of `kernel` `(hidden_dim, classes)` and `bias` of a
            classifier on the pooler, or None.
        **settings: further entries of `config.json`.

    Raises:
        ValueError: for an encoder that no class of transformers is like.
    """
    family, model_type = _family(config, head is not None)
    layout = family.layout
    prefix = family.prefixes[0] if head else ""
    rules = layout.encoder(config, prefix)
    if config["pooler"]:
        source = _pooler(family, config).source.format(prefix)
        width = config["hidden_dim"]
        rules += layout.dense(source, "pooler", width, width)
    written = {
        rule.source.split("|")[0]: np.ascontiguousarray(
            # What brings their form into ours brings it back.
            rule.transform(tensors[rule.target])
        )
        for rule in rules
    }
    record = {
        theirs: config[ours] for theirs, ours in family.config.names.items()
    }
    segments = layout.table.format("token_type")
    if "type_vocab_size" in record and not config["num_segments"]:
        # Both segments of a pair are there, and change nothing.
        record["type_vocab_size"] = 2
        width = config["embedding_dim"] or config["hidden_dim"]
        written[prefix + segments] = np.zeros((2, width), "float32")
    activations = family.config.activations
    record[family.config.activation] = next(
        theirs
        for theirs, ours in activations.items()
        if ours == config["activation"]
    )
    name = f"{_CLASSES[model_type]}Model"
    if head is not None:
        weight, bias = _pooler(family, config).classifier
        written[weight] = np.ascontiguousarray(head["kernel"].T)
        written[bias] = head["bias"]
        name = f"{_CLASSES[model_type]}ForSequenceClassification"
        labels = {str(i): f"LABEL_{i}" for i in range(len(head["bias"]))}
        record["id2label"] = labels
        record["label2id"] = {label: int(i) for i, label in labels.items()}
    record = {
        "architectures": [name],
        "model_type": model_type,
        **record,
        **family.config.required_values,
        **settings,
    }
    # transformers refuses a file that does not say whose it is.
    save_file(written, folder / SINGLE_FILE, metadata={"format": "pt"})
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def _family(config, has_head):
    """The family that computes what an encoder computes, and its name."""
    activation = config["pooler_activation"] if config["pooler"] else None
    if config["shared_layers"]:
        form = huggingface_albert.FORMAT
    elif config["embedding_dim"] is not None or activation == "gelu":
        form = huggingface_electra.FORMAT
    elif activation == "relu":
        form = huggingface_distilbert.FORMAT
    else:
        form = huggingface_bert.FORMAT
    family = form.family
    differing = [
        name
        for name, value in family.config.fixed.items()
        if config[name] != value
    ]
    if config["pooler"] and _pooler(family, config) is None:
        differing.append("pooler_activation")
    if config["embedding_dim"] is None and family.always_projects:
        differing.append("embedding_dim")
    if differing:
        found = ", ".join(f"{name}={config[name]!r}" for name in differing)
        raise ValueError(
            "transformers has no model that is like this encoder: of its "
            f"families {form.name} is nearest, and differs in {found}."
        )
    if has_head and not config["pooler"]:
        raise ValueError(
            "The classifiers of transformers stand on a pooler, and this "
            "encoder has none."
        )
    return family, form.model_types[0]


def _pooler(family, config):
    """The pooler of a family that has the activation of an encoder's."""
    activation = config["pooler_activation"]
    fitting = [p for p in family.poolers if p.activation == activation]
    return fitting[0] if fitting else None
