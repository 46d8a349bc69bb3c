"""Models of sentencepiece that are loaded beside each other stay apart."""

import tensorflow as tf

from semmatch.export.graph_sentencepiece import graph_sentencepiece
from semmatch.export.sentencepiece_writer import NORMAL
from semmatch.export.sentencepiece_writer import UNKNOWN


def save(pieces, folder):
    """A SavedModel that cuts strings by a model of some pieces."""
    module = tf.Module()
    module.model = graph_sentencepiece(
        [("<unk>", 0.0, UNKNOWN), *((p, -1.0, NORMAL) for p in pieces)]
    )
    module.cut = tf.function(
        lambda texts: module.model.tokenize(texts).to_tensor(-1),
        input_signature=[tf.TensorSpec((None,), tf.string)],
    )
    tf.saved_model.save(module, folder)


def test_each_loaded_model_has_its_own_pieces(tmp_path):
    pieces = {"one": ["a", "b"], "other": ["ab"], "again": ["a", "b"]}
    for name, own in pieces.items():
        save(own, tmp_path / name)
    loaded = {name: tf.saved_model.load(tmp_path / name) for name in pieces}
    text = tf.constant(["ab"])
    assert loaded["one"].cut(text).numpy().tolist() == [[1, 2]]
    assert loaded["other"].cut(text).numpy().tolist() == [[1]]
    # One of two equal ones may go.
    del loaded["one"]
    assert loaded["again"].cut(text).numpy().tolist() == [[1, 2]]
