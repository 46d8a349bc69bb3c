"""What all families of Hugging Face folders have in common."""

import dataclasses

from semmatch._json import read_json_object
from semmatch.checkpoints.encoder_config import read_limit
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import read_family
from semmatch.checkpoints.layout import Layout
from semmatch.checkpoints.tensors import open_tensors

CONFIG_FILE = "config.json"

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}

# BERT's names; the others share more or less of them.
BERT_LAYOUT = Layout(
    table="embeddings.{}_embeddings.weight",
    kernel="{}.weight",
    bias="{}.bias",
    # Conversions from TensorFlow kept its names, gamma and beta.
    gamma="{0}.weight|{0}.gamma",
    beta="{0}.bias|{0}.beta",
    transposed=True,
    embedding_norm="embeddings.LayerNorm",
    block="encoder.layer.{}.",
    block_layers={
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attention_output": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "intermediate": "intermediate.dense",
        "output": "output.dense",
        "output_norm": "output.LayerNorm",
    },
)

CLASSIFIER = ("classifier.weight", "classifier.bias")
# The classifier that stands on a `classifier.dense`.
OUT_PROJ = ("classifier.out_proj.weight", "classifier.out_proj.bias")

# Of every family, besides its heads of pretraining.
UNUSED = {
    r"{}embeddings\.(position|token_type)_ids": "a constant",
    r"(classifier|qa_outputs)\.(weight|bias)": "head of another task",
}


@dataclasses.dataclass(frozen=True)
class HuggingFaceFormat:
    """A family of Hugging Face folders.

    Attributes:
        name: string, for messages.
        model_types: tuple of strings, as `config.json` names them.
        family: `Family`.
    """

    name: str
    model_types: tuple
    family: Family

    def matches(self, folder):
        """Whether a folder is of this format."""
        path = folder / CONFIG_FILE
        if not path.is_file():
            return False
        return read_json_object(path).get("model_type") in self.model_types

    def positions(self, folder):
        """The most tokens that the encoder has positions for."""
        return read_limit(folder / CONFIG_FILE)

    def sequence_length(self, folder):
        """The tokenizer's limit where it has one, else that of positions."""
        limit = self.positions(folder)
        path = folder / "tokenizer_config.json"
        if not path.is_file():
            return limit
        record = read_json_object(path)
        # transformers writes 1e30 for "none".
        return int(min(limit, record.get("model_max_length") or limit))

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
            folder / CONFIG_FILE,
            lambda: open_tensors(folder),
            num_layers,
            self.sequence_length(folder),
        )
