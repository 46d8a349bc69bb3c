"""Reads the checkpoint of a family of encoders, described by tables."""

import dataclasses
import re

from semmatch.checkpoints.encoder_config import ConfigKeys
from semmatch.checkpoints.encoder_config import keep_first_layers
from semmatch.checkpoints.encoder_config import read_config
from semmatch.checkpoints.format import apply_rules
from semmatch.checkpoints.format import checkpoint
from semmatch.checkpoints.format import read_classifier
from semmatch.checkpoints.layout import Layout


@dataclasses.dataclass(frozen=True)
class Pooler:
    """A dense layer on the first token, and what stands on it.

    Attributes:
        source: string, the layer's name; `{}` is the encoder's prefix.
        activation: string, as `pooler_activation` of `TextEncoder`.
        classifier: tuple of the names of weight and bias of a classifier,
            or an empty one.
    """

    source: str
    activation: str = "tanh"
    classifier: tuple = ()

    def names(self, layout, prefix):
        """The names of its two tensors."""
        source = self.source.format(prefix)
        return layout.kernel.format(source), layout.bias.format(source)


@dataclasses.dataclass(frozen=True)
class Family:
    """What the checkpoints of a family are made of.

    Attributes:
        config: `ConfigKeys`.
        layout: `Layout`.
        prefixes: tuple of strings, what names of the encoder begin with; the
            last one counts where none is found.
        poolers: tuple of `Pooler`; the first that is whole is taken.
        unused: a dict from regular expressions to reasons, of tensors that
            may lie in the file besides; `{}` is the encoder's prefix.
        always_projects: bool, whether embeddings pass a dense layer even if
            it changes no width.
    """

    config: ConfigKeys
    layout: Layout
    prefixes: tuple
    poolers: tuple
    unused: dict
    always_projects: bool = False


def read_family(family, path, tensors, num_layers, sequence_length):
    """Reads a checkpoint.

    Args:
        family: `Family`.
        path: `pathlib.Path` of the configuration.
        tensors: function without arguments that opens the tensors.
        num_layers: int or None, keeps the first layers alone.
        sequence_length: int, the longest input.

    Returns:
        `Checkpoint`.

    Raises:
        FileNotFoundError: if there are no tensors.
        ValueError: if configuration and tensors do not agree, or are of
            another architecture.
    """
    arguments, unknown = read_config(path, family.config)
    if not family.always_projects and (
        arguments.get("embedding_dim") == arguments["hidden_dim"]
    ):
        arguments["embedding_dim"] = None
    layers = keep_first_layers(arguments, num_layers, path.parent)
    tensors = tensors()
    layout = family.layout
    prefix = _find_prefix(family, tensors)
    whole = [
        pooler
        for pooler in family.poolers
        if set(pooler.names(layout, prefix)) <= set(tensors)
    ]
    pooler = whole[0] if whole else None
    rules = layout.encoder(arguments, prefix)
    dim = arguments["hidden_dim"]
    if pooler is not None:
        source = pooler.source.format(prefix)
        rules += layout.dense(source, "pooler", dim, dim)
        arguments["pooler_activation"] = pooler.activation
    arguments["pooler"] = pooler is not None
    unused = {
        layout.dropped(arguments["num_layers"], layers, prefix): (
            f"only the first {arguments['num_layers']} layers are kept"
        ),
        **_unused_poolers(family, whole, prefix),
        **{
            pattern.replace("{}", re.escape(prefix)): reason
            for pattern, reason in family.unused.items()
        },
    }
    arrays, report = apply_rules(tensors, rules, unused)
    report = dataclasses.replace(
        report,
        absent=() if pooler else ("pooler/kernel", "pooler/bias"),
        ignored_config=unknown,
    )
    head_names = pooler.classifier if pooler else ()
    head = read_classifier(tensors, head_names, dim) if head_names else None
    return checkpoint(
        arguments, arrays, head, head_names, sequence_length, report
    )


def _find_prefix(family, tensors):
    words = family.layout.table.format("word")
    for prefix in family.prefixes:
        if prefix + words in tensors:
            return prefix
    return family.prefixes[-1]


def _unused_poolers(family, whole, prefix):
    """Why poolers and classifiers besides those taken are left out."""
    unused = {}
    for pooler in family.poolers:
        reason = (
            "another dense layer takes its place"
            if pooler in whole
            else "the pooler is incomplete"
        )
        for name in pooler.names(family.layout, prefix):
            unused[re.escape(name)] = reason
        for name in pooler.classifier:
            unused[re.escape(name)] = "head of another task"
    return unused
