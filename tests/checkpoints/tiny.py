"""The tiny checkpoints that transformers wrote, and copies with changes.

`tests/fixtures/record_transformers.py` wrote them and what transformers
computes from them. `bert_tiny` is a `BertModel`: float32, one file, no prefix,
erf GELU. `bert_tiny_classifier` has three classes: bfloat16, three files,
prefix `bert.`, tanh GELU.
"""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save_file

from semmatch.checkpoints.tensors import open_tensors

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
PLAIN = FIXTURES / "bert_tiny"
CLASSIFIER = FIXTURES / "bert_tiny_classifier"
HEAD = ("classifier.weight", "classifier.bias")
POOLER = ("pooler.dense.weight", "pooler.dense.bias")


def recorded(folder, index):
    """Features of a batch and the outputs of transformers."""
    arrays = np.load(folder / "expected.npz")
    batch = {
        name.removesuffix(f"_{index}"): arrays[name]
        for name in arrays.files
        if name.endswith(f"_{index}")
    }
    features = {
        "token_ids": batch.pop("input_ids"),
        "padding_mask": batch.pop("attention_mask"),
        "segment_ids": batch.pop("token_type_ids"),
    }
    return {n: a.astype("int32") for n, a in features.items()}, batch


def assert_close(outputs, expected):
    outputs = keras.ops.convert_to_numpy(outputs)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)


def rewritten(
    folder, source, *, tensors=None, config=None, dtype=None, prefix=None
):
    """Writes a checkpoint with changes into a folder, as one file.

    Args:
        folder: path to write to.
        source: path of a checkpoint.
        tensors: a dict of other or further tensors; None leaves one out.
        config: a dict of other settings; `...` leaves one out.
        dtype: the type of all tensors, or None for float32.
        prefix: string before the encoder's names, or None for the source's.

    Returns:
        `folder`.
    """
    arrays = {**open_tensors(source), **(tensors or {})}
    kept = {}
    for name, array in arrays.items():
        if prefix is not None and name not in HEAD:
            name = prefix + name.removeprefix("bert.")
        if array is not None:
            kept[name] = array if dtype is None else array.astype(dtype)
    save_file(kept, folder / "model.safetensors")
    settings = json.loads((source / "config.json").read_text())
    settings = {**settings, **(config or {})}
    settings = {key: v for key, v in settings.items() if v is not ...}
    (folder / "config.json").write_text(json.dumps(settings))
    for name in ("vocab.txt", "tokenizer.json"):
        if (source / name).is_file():
            shutil.copy(source / name, folder)
    return folder
