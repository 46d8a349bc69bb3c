"""TensorFlow checkpoints under Google's names, and what numpy makes of them."""

import json

import numpy as np

from tests.layers.numpy_bert import bert_block
from tests.layers.numpy_bert import layer_norm

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"还款借钱"]
# Our names of the layers of a block, and those of BERT and ELECTRA.
BERT_NAMES = {
    "query": "attention/self/query",
    "key": "attention/self/key",
    "value": "attention/self/value",
    "attention_output": "attention/output/dense",
    "attention_norm": "attention/output/LayerNorm",
    "intermediate": "intermediate/dense",
    "output": "output/dense",
    "output_norm": "output/LayerNorm",
}
WORDS = "embeddings/word_embeddings"


class Draws:
    """Float32 arrays of about 1, under the names of modeling.py."""

    def __init__(self):
        self._generator = np.random.default_rng(0)
        self.tensors = {}

    def table(self, name, *shape):
        values = self._generator.normal(scale=0.5, size=shape)
        self.tensors[name] = values.astype("float32")

    def dense(self, name, inputs, outputs):
        self.table(f"{name}/kernel", inputs, outputs)
        self.table(f"{name}/bias", outputs)

    def norm(self, name, width):
        self.table(f"{name}/gamma", width)
        self.tensors[f"{name}/gamma"] += 1
        self.table(f"{name}/beta", width)

    def embeddings(self, prefix, width):
        self.table(f"{prefix}embeddings/word_embeddings", 9, width)
        self.table(f"{prefix}embeddings/position_embeddings", 16, width)
        self.table(f"{prefix}embeddings/token_type_embeddings", 2, width)
        self.norm(f"{prefix}embeddings/LayerNorm", width)

    def block(self, prefix, names):
        """A block of width 8 and 12; `names` is from ours to theirs."""
        shapes = {"intermediate": (8, 12), "output": (12, 8)}
        for ours, theirs in names.items():
            if ours.endswith("norm"):
                self.norm(prefix + theirs, 8)
            else:
                self.dense(prefix + theirs, *shapes.get(ours, (8, 8)))


def write(folder, tensors, config, config_file):
    """A folder as it is downloaded, written by TensorFlow's own Saver."""
    import tensorflow as tf

    v1 = tf.compat.v1
    folder.mkdir(exist_ok=True)
    graph = tf.Graph()
    with graph.as_default(), v1.Session() as session:
        for name, array in tensors.items():
            v1.get_variable(name, initializer=array)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "model.ckpt"))
    (folder / "checkpoint").unlink()
    (folder / config_file).write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY), "utf-8")
    return folder


def features():
    generator = np.random.default_rng(1)
    mask = (np.arange(11) < np.array([[11], [4], [7]])).astype("int32")
    ids = generator.integers(0, 9, (3, 11)).astype("int32")
    segments = generator.integers(0, 2, (3, 11)).astype("int32")
    return {"token_ids": ids, "padding_mask": mask, "segment_ids": segments}


def numpy_encoder(tensors, prefix, blocks, names, *, activation, projection):
    """Token vectors of `features()` in float64.

    Args:
        tensors: a dict of arrays by their names.
        prefix: string before each name.
        blocks: list of strings, what the names of each block begin with.
        names: a dict from our names of the layers of a block to theirs.
        activation: string, a key of `numpy_bert.ACTIVATIONS`.
        projection: string or None, the layer between embeddings and blocks.
    """
    get = {
        name.removeprefix(prefix): array.astype("float64")
        for name, array in tensors.items()
    }
    inputs = features()
    tokens = (
        get[WORDS][inputs["token_ids"]]
        + get["embeddings/position_embeddings"][:11]
        + get["embeddings/token_type_embeddings"][inputs["segment_ids"]]
    )
    norm = (get[f"embeddings/LayerNorm/{part}"] for part in ("gamma", "beta"))
    tokens = layer_norm(tokens, *norm, 1e-12)
    if projection is not None:
        tokens = tokens @ get[f"{projection}/kernel"]
        tokens = tokens + get[f"{projection}/bias"]
    for block in blocks:

        def weights(layer, part, block=block):
            return get[f"{block}{names[layer]}/{part}"]

        mask = inputs["padding_mask"]
        tokens = bert_block(weights, tokens, mask, 2, activation, 1e-12)
    return tokens
