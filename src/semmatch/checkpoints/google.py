"""What all families of Google's TensorFlow checkpoints have in common.

Source: modeling.py of google-research/bert, albert and electra.
"""

import dataclasses

from semmatch.checkpoints.encoder_config import read_limit
from semmatch.checkpoints.family import Family
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


@dataclasses.dataclass(frozen=True)
class GoogleFormat:
    """A family of folders with a configuration and a TensorFlow checkpoint.

    Attributes:
        name: string, for messages.
        config_files: tuple of globs of the configuration's name.
        family: `Family`.
    """

    name: str
    config_files: tuple
    family: Family

    def matches(self, folder):
        """Whether a folder is of this format."""
        return bool(self._configurations(folder))

    def sequence_length(self, folder):
        """The number of positions."""
        return read_limit(self._configuration(folder))

    def read(self, folder, num_layers=None):
        """Reads a folder of this format.

        Args:
            folder: `pathlib.Path`.
            num_layers: int or None, keeps the first layers alone.

        Returns:
            `Checkpoint`.
        """
        return read_family(
            self.family,
            self._configuration(folder),
            lambda: open_checkpoint(folder),
            num_layers,
            self.sequence_length(folder),
        )

    def _configurations(self, folder):
        globs = self.config_files
        return sorted({path for glob in globs for path in folder.glob(glob)})

    def _configuration(self, folder):
        path, *more = self._configurations(folder)
        if more:
            raise ValueError(
                f"{folder} holds several configurations: {path.name}, "
                f"{', '.join(other.name for other in more)}. Keep the one "
                "that belongs to the checkpoint."
            )
        return path
