"""Models of sentencepiece that stand in one graph stay apart."""

import tensorflow as tf

from semmatch.export.graph_sentencepiece import graph_sentencepiece
from semmatch.export.sentencepiece_writer import NORMAL
from semmatch.export.sentencepiece_writer import UNKNOWN


def test_models_of_one_graph_stay_apart(tmp_path):
    module = tf.Module()
    module.models = [
        graph_sentencepiece(
            [("<unk>", 0.0, UNKNOWN), *((p, -1.0, NORMAL) for p in pieces)]
        )
        for pieces in (["a", "b"], ["ab"])
    ]
    module.cut = tf.function(
        lambda texts: [
            model.tokenize(texts).to_tensor() for model in module.models
        ],
        input_signature=[tf.TensorSpec((None,), tf.string)],
    )
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    ids = [cut.numpy().tolist() for cut in loaded.cut(tf.constant(["ab"]))]
    assert ids == [[[1, 2]], [[1]]]
