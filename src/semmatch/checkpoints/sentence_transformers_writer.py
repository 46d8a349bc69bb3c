"""Writes what sentence-transformers reads around an encoder."""

import json

import numpy as np
from safetensors.numpy import save_file

from semmatch.checkpoints.sentence_transformers import ACTIVATIONS
from semmatch.checkpoints.sentence_transformers import LENGTH_FILE
from semmatch.checkpoints.sentence_transformers import MODULES_FILE
from semmatch.checkpoints.sentence_transformers import OLD_POOLINGS
from semmatch.checkpoints.sentence_transformers import PROMPTS_FILE
from semmatch.checkpoints.tensors import SINGLE_FILE


def write_modules(folder, modules, width):
    """Writes all but the encoder, which lies in the same folder.

    All versions of sentence-transformers read these names.

    Args:
        folder: `pathlib.Path`, which exists.
        modules: `Modules`; its `encoder` is not read.
        width: int, of the encoder's vectors.

    Raises:
        ValueError: for a pooling or an activation that it has not.
    """
    names = ["Transformer", "Pooling"]
    if modules.projection is not None:
        names.append("Dense")
    if modules.normalize:
        names.append("Normalize")
    places = ["", *(f"{i}_{name}" for i, name in enumerate(names) if i)]
    for place in places:
        (folder / place).mkdir(exist_ok=True)
    record = [
        {
            "idx": index,
            "name": str(index),
            "path": place,
            "type": f"sentence_transformers.models.{name}",
        }
        for index, (name, place) in enumerate(zip(names, places, strict=True))
    ]
    _write(folder / MODULES_FILE, record)
    if modules.pooling not in OLD_POOLINGS.values():
        raise ValueError(
            "sentence-transformers pools by "
            f"{', '.join(sorted(OLD_POOLINGS.values()))}. Received: a model "
            f"with pooling={modules.pooling!r}."
        )
    modes = {key: ours == modules.pooling for key, ours in OLD_POOLINGS.items()}
    pooling = {"word_embedding_dimension": width, **modes}
    _write(folder / places[1] / "config.json", pooling)
    if modules.projection is not None:
        _write_dense(folder / places[2], modules)
    _write(
        folder / LENGTH_FILE,
        {"max_seq_length": modules.sequence_length, "do_lower_case": False},
    )
    prompts = {
        "query": modules.query_prompt,
        "document": modules.passage_prompt,
    }
    _write(
        folder / PROMPTS_FILE,
        {
            "model_type": "SentenceTransformer",
            "prompts": prompts,
            "default_prompt_name": None,
            "similarity_fn_name": modules.similarity,
        },
    )


def _write_dense(folder, modules):
    theirs = {ours: name for name, ours in ACTIVATIONS.items()}
    if modules.activation not in theirs:
        raise ValueError(
            "sentence-transformers is written with an activation of "
            f"{[*theirs]}. Received: projection_activation="
            f"{modules.activation!r}."
        )
    kernel, bias = modules.projection["kernel"], modules.projection["bias"]
    _write(
        folder / "config.json",
        {
            "in_features": len(kernel),
            "out_features": len(bias),
            "bias": True,
            "activation_function": theirs[modules.activation],
        },
    )
    tensors = {
        "linear.weight": np.ascontiguousarray(kernel.T),
        "linear.bias": bias,
    }
    save_file(tensors, folder / SINGLE_FILE, metadata={"format": "pt"})


def _write(path, record):
    text = json.dumps(record, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
