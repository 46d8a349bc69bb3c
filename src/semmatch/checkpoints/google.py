"""What all families of Google's TensorFlow checkpoints have in common.

Source: modeling.py of google-research/bert, albert and electra.
"""

from semmatch.checkpoints.encoder_config import read_limit
from semmatch.checkpoints.family import read_family
from semmatch.checkpoints.layout import Layout
from semmatch.checkpoints.tensorflow_tensors import open_checkpoint

# BERT's names; the others share more or less of them.
BERT_LAYOUT = Layout(
    table="embeddings/{}_embeddings",
    kernel="{}/kernel",
    bias="{}/bias",
    gamma="{}/gamma",
    beta="{}/beta",
    transposed=False,
    embedding_norm="embeddings/LayerNorm",
    block="encoder/layer_{}/",
    block_layers={
        "query": "attention/self/query",
        "key": "attention/self/key",
        "value": "attention/self/value",
        "attention_output": "attention/output/dense",
        "attention_norm": "attention/output/LayerNorm",
        "intermediate": "intermediate/dense",
        "output": "output/dense",
        "output_norm": "output/LayerNorm",
    },
)

# The classifier of run_classifier.py.
CLASSIFIER = ("output_weights", "output_bias")

# What training leaves in every file.
_SLOTS = r"(adam_m|adam_v|Adam|Adam_1|lamb_m|lamb_v)"
UNUSED = {
    rf".+/{_SLOTS}": "state of the optimizer",
    r"global_step|beta[12]_power": "state of the optimizer",
}


def sequence_length(folder, patterns):
    """The number of positions."""
    return read_limit(_config_file(folder, patterns))


def read(family, folder, patterns, num_layers):
    """Reads a folder.

    Args:
        family: `Family`.
        folder: `pathlib.Path`.
        patterns: tuple of globs of the configuration's name.
        num_layers: int or None, keeps the first layers alone.

    Returns:
        `Checkpoint`.
    """
    return read_family(
        family,
        _config_file(folder, patterns),
        lambda: open_checkpoint(folder),
        num_layers,
        sequence_length(folder, patterns),
    )


def config_files(folder, patterns):
    """The files of a folder that are named like configurations."""
    return sorted({path for glob in patterns for path in folder.glob(glob)})


def _config_file(folder, patterns):
    path, *more = config_files(folder, patterns)
    if more:
        raise ValueError(
            f"{folder} holds several configurations: {path.name}, "
            f"{', '.join(other.name for other in more)}. Keep the one that "
            "belongs to the checkpoint."
        )
    return path
