"""What a folder is, without building a model."""

import dataclasses
from pathlib import Path

from semmatch import checkpoints
from semmatch._folders import PRESET_FILE
from semmatch._folders import WEIGHTS_FILE
from semmatch._json import read_json_object
from semmatch.checkpoints import sentence_transformers
from semmatch.serving.deploy_folder import CONFIG_FILE
from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import read_config
from semmatch.tokenizers import Tokenizer


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What `inspect_folder` found.

    Attributes:
        folder: string.
        kind: string, such as `"Hugging Face BERT"`.
        parameters: int, or None for an exported graph.
        encoder: a dict of the arguments of `TextEncoder`; empty for an
            exported graph.
        tokenizer: string.
        sequence_length: int, the most tokens of an input.
        head: string, what stands on the encoder.
        loads: a dict from the call that loads the folder to what it gives.
        report: `LoadReport`, or None where no tensor was renamed.
    """

    folder: str
    kind: str
    parameters: int | None
    encoder: dict
    tokenizer: str
    sequence_length: int
    head: str
    loads: dict
    report: checkpoints.LoadReport | None = None

    def __str__(self):
        rows = [("folder", self.folder), ("kind", self.kind)]
        if self.parameters is not None:
            rows.append(("parameters", f"{self.parameters:,}"))
        rows += [(f"  {name}", value) for name, value in self.encoder.items()]
        rows += [
            ("tokenizer", self.tokenizer),
            ("sequence length", f"{self.sequence_length} tokens"),
            ("head", self.head),
            *self.loads.items(),
        ]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:{width}}  {value}" for name, value in rows]
        if self.report is not None:
            lines += ["", str(self.report)]
        return "\n".join(lines)

    def to_dict(self):
        """The same as JSON types."""
        return dataclasses.asdict(self)


def inspect_folder(folder):
    """Says what a folder is and what semmatch would make of it.

    All tensors of a checkpoint are read and checked, as for a load.

    Args:
        folder: path of a preset, a checkpoint or a deploy folder.

    Returns:
        `Inspection`.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it is none of these, or damaged.
    """
    folder = Path(folder)
    if (folder / CONFIG_FILE).is_file():
        return _deploy_folder(folder)
    if (folder / PRESET_FILE).is_file():
        return _preset(folder)
    return _checkpoint(folder)


def _deploy_folder(folder):
    config = read_config(folder)
    size = (folder / MODEL_FILE).stat().st_size / 2**20
    parts, embedding = [], config.embedding
    if embedding is not None:
        parts += [f"vectors of {embedding.dim}"]
        parts += ["length 1"] * embedding.normalize
        parts += [f"{embedding.similarity} similarity"]
    parts += [
        f"scores by {config.scoring.activation}",
        f"a match from {config.scoring.threshold:.4f} on",
    ]
    encodes = "" if embedding is None else "encodes, "
    return Inspection(
        folder=str(folder),
        kind=f"deploy folder of a {config.kind}, ONNX of {size:.1f} MiB",
        parameters=None,
        encoder={},
        tokenizer=_describe(Tokenizer.from_folder(folder)),
        sequence_length=config.sequence_length,
        head=", ".join(parts),
        loads={"Matcher": f"{encodes}scores and ranks with it"},
    )


def _preset(folder):
    path = folder / PRESET_FILE
    record = read_json_object(path)
    try:
        name, config = record["class_name"], record["config"]
        encoder = dict(config["backbone"]["config"])
        length = config["preprocessor"]["config"]["sequence_length"]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} does not describe a model ({error!r}). Save it again."
        ) from error
    skipped = ("backbone", "preprocessor", "name", "trainable", "dtype")
    head = {key: value for key, value in config.items() if key not in skipped}
    for key in ("name", "trainable", "dtype"):
        encoder.pop(key, None)
    return Inspection(
        folder=str(folder),
        kind=f"semmatch preset of a {name}",
        parameters=_count_weights(folder / WEIGHTS_FILE),
        encoder=encoder,
        tokenizer=_describe(Tokenizer.from_folder(folder)),
        sequence_length=length,
        head=", ".join(
            f"{key} {value}"
            for key, value in head.items()
            if not isinstance(value, dict) and value is not None
        ),
        loads={f"{name}.from_preset": "loads it as it was saved"},
    )


def _checkpoint(folder):
    around = None
    encoder_folder, kind = folder, ""
    if sentence_transformers.matches(folder):
        around = sentence_transformers.read(folder)
        encoder_folder = around.encoder
        kind = "sentence-transformers, "
    checkpoint = checkpoints.read_checkpoint(encoder_folder)
    embeds = around is not None and not around.is_cross_encoder
    length = checkpoint.sequence_length
    if around is not None and around.sequence_length is not None:
        length = min(around.sequence_length, length)
    tensors = [*checkpoint.tensors.values(), *(checkpoint.head or {}).values()]
    if around is not None and around.projection:
        tensors += around.projection.values()
    return Inspection(
        folder=str(folder),
        kind=kind + checkpoint.name,
        parameters=sum(tensor.size for tensor in tensors),
        encoder=checkpoint.config,
        tokenizer=_describe(Tokenizer.from_folder(encoder_folder)),
        sequence_length=length,
        head=_head(checkpoint, around if embeds else None),
        loads=_loads(checkpoint, embeds),
        report=checkpoint.report,
    )


def _head(checkpoint, around):
    if around is not None:
        parts = [f"{around.pooling} pooling"]
        if around.projection:
            parts.append(f"a layer of {len(around.projection['bias'])}")
        if around.normalize:
            parts.append("length 1")
        return ", ".join([*parts, f"{around.similarity} similarity"])
    if checkpoint.head is None:
        return "none"
    return f"a classifier of {checkpoint.num_classes} logits on the pooler"


def _loads(checkpoint, embeds):
    fresh = "takes the encoder; its one logit starts at random"
    own = "keeps the classifier"
    mean = "takes the encoder, with mean pooling and vectors of length 1"
    return {
        "CrossEncoder.from_preset": fresh if checkpoint.head is None else own,
        "BiEncoder.from_preset": "keeps pooling and head" if embeds else mean,
    }


def _describe(tokenizer):
    lower = tokenizer.normalize("A") == "a"
    return (
        f"{tokenizer.model}, {tokenizer.vocabulary_size:,} ids, "
        f"{'lower case' if lower else 'case kept'}"
    )


def _count_weights(path):
    # Only to count: the file is Keras's.
    import h5py

    sizes = []

    def visit(_, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            sizes.append(item.size)

    try:
        with h5py.File(path) as file:
            file.visititems(visit)
    except OSError as error:
        raise ValueError(
            f"{path} is missing or no weight file: {error}. Save the model "
            "again."
        ) from error
    return int(sum(sizes))
