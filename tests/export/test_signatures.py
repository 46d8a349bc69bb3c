"""Functions of strings and of ids give what the model gives."""

import numpy as np
import pytest
import tensorflow as tf

from semmatch import Scoring
from semmatch.export.graph_tokenizer import GraphTokenizer
from semmatch.export.signatures import signatures
from tests.checks import tensorflow_only
from tests.checks import tiny_backbone
from tests.checks import tiny_encoder
from tests.checks import tiny_preprocessor
from tests.export.graph_texts import constant
from tests.export.models import PAIRS
from tests.export.models import spread_model
from tests.export.models import without_segments
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor

pytestmark = [
    tensorflow_only,
    pytest.mark.filterwarnings("ignore:.* texts .* have more than"),
]

TEXT_A, TEXT_B = (list(column) for column in zip(*PAIRS, strict=True))
PROMPTS = {"query_prompt": "如何", "passage_prompt": "取"}
SIGMOID = Scoring("sigmoid", temperature=0.5, bias=-0.3)


CROSS = {
    "one": lambda: spread_model(scoring=SIGMOID),
    "symmetric": lambda: spread_model(scoring=SIGMOID.replace(symmetric=True)),
    "two": lambda: spread_model(
        num_classes=2,
        preprocessor=tiny_preprocessor(truncation="only_second"),
    ),
    "three": lambda: without_segments(
        num_classes=3, scoring=Scoring("softmax", temperature=2.0)
    ),
    "KerasHub": lambda: spread_model(tiny_backbone()),
}
BI = {
    "cosine": bi_model,
    "prompts": lambda: bi_model(preprocessor=bi_preprocessor(**PROMPTS)),
    "symmetric": lambda: bi_model(
        preprocessor=bi_preprocessor(**PROMPTS),
        scoring=Scoring("sigmoid", temperature=0.1, bias=-9.0, symmetric=True),
    ),
    "euclidean": lambda: bi_model(
        tiny_encoder(num_segments=0, pooler=False),
        bi_preprocessor(segments=False),
        similarity="euclidean",
        normalize=False,
    ),
}


def functions_of(model):
    return signatures(model, GraphTokenizer(model.preprocessor.tokenizer))


def run(function, *inputs):
    """Outputs of a function as it is: tracing it would take more time."""
    tf.config.run_functions_eagerly(True)
    try:
        outputs = function(*inputs)
    finally:
        tf.config.run_functions_eagerly(False)
    return {name: value.numpy() for name, value in outputs.items()}


def assert_ids_are_packed(found, packed, names):
    assert sorted(found) == sorted(names.values())
    for name, other in names.items():
        np.testing.assert_array_equal(found[other], packed[name])


def names_of(model):
    names = {"token_ids": "input_ids", "padding_mask": "attention_mask"}
    if model.preprocessor.segments:
        names["segment_ids"] = "token_type_ids"
    return names


@pytest.mark.parametrize("name", CROSS)
def test_pairs_of_strings_are_scored_as_by_the_model(name):
    model = CROSS[name]()
    functions = functions_of(model)
    assert sorted(functions) == ["ids", "score", "serving_default", "tokenize"]
    assert functions["serving_default"] is functions["score"]
    text_a, text_b = constant(TEXT_A), constant(TEXT_B)
    [(key, scores)] = run(functions["score"], text_a, text_b).items()
    assert (key, scores.dtype) == ("scores", "float32")
    expected = model.score(PAIRS)
    assert (np.ptp(expected, axis=0) > 0.2).all()
    np.testing.assert_allclose(scores, expected, atol=1e-5)

    packed = model.preprocessor.pack(TEXT_A, TEXT_B)
    found = run(functions["tokenize"], text_a, text_b)
    assert_ids_are_packed(found, packed, names_of(model))
    found = run(functions["ids"], *(packed[n] for n in names_of(model)))
    assert list(found) == ["logits"]
    expected = model.predict_on_batch(packed)
    np.testing.assert_allclose(found["logits"], expected, atol=1e-5)


@pytest.mark.parametrize("name", BI)
def test_strings_are_encoded_and_compared_as_by_the_model(name):
    model = BI[name]()
    functions = functions_of(model)
    assert sorted(functions) == [
        "encode_passage",
        "encode_query",
        "ids",
        "score",
        "serving_default",
        "tokenize",
    ]
    text_a, text_b = constant(TEXT_A), constant(TEXT_B)
    [(key, scores)] = run(functions["score"], text_a, text_b).items()
    assert (key, scores.dtype) == ("scores", "float32")
    expected = model.score(PAIRS)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(scores, expected, atol=1e-5)

    vectors = []
    for side in ("query", "passage"):
        found = run(functions[f"encode_{side}"], text_a)
        assert list(found) == ["sentence_embedding"]
        vectors.append(found["sentence_embedding"])
        expected = model.encode(TEXT_A, side=side)
        np.testing.assert_allclose(vectors[-1], expected, atol=1e-5)
    prompts = model.preprocessor.query_prompt, model.preprocessor.passage_prompt
    assert np.allclose(*vectors, atol=1e-3) == (prompts[0] == prompts[1])

    packer = model.preprocessor.packer
    packed = packer.pack_ids(packer.tokenize(TEXT_A))
    found = run(functions["tokenize"], text_a)
    assert_ids_are_packed(found, packed, names_of(model))
    found = run(functions["ids"], *(packed[n] for n in names_of(model)))
    assert list(found) == ["sentence_embedding"]


@pytest.mark.parametrize(
    "make", [CROSS["one"], CROSS["two"], BI["prompts"], BI["symmetric"]]
)
def test_no_texts_are_no_rows(make):
    functions = functions_of(make())
    none = tf.constant([], tf.string)
    assert run(functions["score"], none, none)["scores"].shape == (0,)
    for name, function in functions.items():
        if name.startswith("encode_"):
            [vectors] = run(function, none).values()
            assert vectors.shape == (0, 8)
    inputs = [none] if "encode_query" in functions else [none, none]
    for array in run(functions["tokenize"], *inputs).values():
        assert array.shape == (0, 8)


@pytest.mark.parametrize("make", [CROSS["one"], BI["cosine"]])
def test_a_text_without_a_second_one_is_refused(make):
    score = functions_of(make())["score"]
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="Each `text_a` needs a `text_b`"
    ):
        run(score, constant(["取消", "还款"]), constant(["取消"]))
