"""What a SavedModel does with strings and with ids."""

import tensorflow as tf

from semmatch.export.graph_packing import fill_template
from semmatch.export.graph_packing import kept_of_pairs
from semmatch.export.graph_packing import kept_of_texts
from semmatch.export.tower import INPUTS
from semmatch.export.tower import output_name
from semmatch.losses.similarity import pair_similarity
from semmatch.models import CrossEncoder
from semmatch.models.keras_scoring import keras_scores

# The one that TensorFlow Serving takes for a request that names none.
DEFAULT = "serving_default"

_IDS = tf.RaggedTensorSpec((None, None), tf.int32, ragged_rank=1)


def signatures(model, tokenizer):
    """The functions of a SavedModel.

    Args:
        model: `CrossEncoder` or `BiEncoder` that computes in float32.
        tokenizer: `GraphTokenizer`.

    Returns:
        A dict from a signature's name to a `tf.function` that gives a dict.
    """
    features = model.preprocessor.feature_names
    specs = {
        name: tf.TensorSpec((None, None), tf.int32, name=INPUTS[name])
        for name in features
    }

    def tower(inputs):
        return model(inputs, training=False)

    # Traced once, however many signatures use it, as all that is behind them.
    tower = _traced(tower, [specs])

    def run(packed):
        return tower({name: packed[name] for name in features})

    def ids(*inputs):
        packed = dict(zip(features, inputs, strict=True))
        return {output_name(model): run(packed)}

    def named(packed):
        return {INPUTS[name]: packed[name] for name in features}

    make = _of_pairs if isinstance(model, CrossEncoder) else _of_texts
    functions = make(model, tokenizer, run, named)
    functions["ids"] = _traced(ids, list(specs.values()))
    return {DEFAULT: functions["score"], **functions}


def _of_pairs(model, tokenizer, run, named):
    packer = model.preprocessor.packer
    template = packer.tokenizer.pair

    def tokens(text_a, text_b):
        pairs = _beside(text_a, text_b)
        ids = tokenizer(tf.concat(pairs, axis=0))
        count = tf.size(text_a)
        return kept_of_pairs(ids[:count], ids[count:], packer)

    def pack(ids_a, ids_b):
        return fill_template(template, {"A": ids_a, "B": ids_b}, packer)

    specs = _strings("text_a", "text_b")
    tokens, pack = _traced(tokens, specs), _traced(pack, [_IDS, _IDS])

    def score(text_a, text_b):
        ids_a, ids_b = tokens(text_a, text_b)
        logits = run(pack(ids_a, ids_b))
        if model.scoring.symmetric:
            # Of the same tokens, since these fit already.
            logits = (logits + run(pack(ids_b, ids_a))) / 2
        return {"scores": _scores(logits, model)}

    def tokenize(text_a, text_b):
        return named(pack(*tokens(text_a, text_b)))

    return {
        "score": _traced(score, specs),
        "tokenize": _traced(tokenize, specs),
    }


def _of_texts(model, tokenizer, run, named):
    preprocessor = model.preprocessor
    packer = preprocessor.packer
    template = packer.tokenizer.single
    query, passage = preprocessor.query_prompt, preprocessor.passage_prompt

    def pack(texts):
        ids = kept_of_texts(tokenizer(texts), packer)
        return fill_template(template, {"A": ids}, packer)

    pack = _traced(pack, _strings("texts"))

    def similarities(queries, passages):
        sides = _beside(query + queries, passage + passages)
        vectors = run(pack(tf.concat(sides, axis=0)))
        vectors = tf.stack(tf.split(vectors, 2), axis=1)
        return pair_similarity(vectors, model.similarity_name)[:, None]

    def score(text_a, text_b):
        logits = similarities(text_a, text_b)
        if model.scoring.symmetric and query != passage:
            logits = (logits + similarities(text_b, text_a)) / 2
        return {"scores": _scores(logits, model)}

    def encode(prompt):
        def vectors(texts):
            return {output_name(model): run(pack(prompt + texts))}

        return vectors

    def tokenize(texts):
        return named(pack(texts))

    return {
        "score": _traced(score, _strings("text_a", "text_b")),
        **{
            name: _traced(function, _strings("texts"))
            for name, function in (
                ("encode_query", encode(query)),
                ("encode_passage", encode(passage)),
                ("tokenize", tokenize),
            )
        },
    }


def _traced(function, specs):
    return tf.function(function, input_signature=specs, autograph=False)


def _strings(*names):
    return [tf.TensorSpec((None,), tf.string, name=name) for name in names]


def _beside(text_a, text_b):
    """Both, if they are equally many."""
    message = "Each `text_a` needs a `text_b` in its place."
    check = tf.debugging.assert_equal(tf.size(text_a), tf.size(text_b), message)
    with tf.control_dependencies([check]):
        return tf.identity(text_a), tf.identity(text_b)


def _scores(logits, model):
    """As `Scoring.scores`: one number a pair, but of three classes or more."""
    scores = keras_scores(logits, model.scoring)
    return scores[:, 0] if scores.shape[1] == 1 else scores
