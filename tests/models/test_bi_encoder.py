"""Vectors, scores and refusals of a tiny bi-encoder."""

import keras
import numpy as np
import pytest

from semmatch import evaluation
from semmatch import Scoring
from semmatch._similarity import SIMILARITIES
from semmatch.data import Pairs
from semmatch.models import BiEncoder
from tests.checks import tiny_backbone
from tests.checks import to_numpy
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor
from tests.models.bi_models import one_by_one
from tests.models.bi_models import topic_pairs
from tests.test_similarity import DEFINITIONS

WORDS = ["取消", "", "还款借款怎么", "Hello", "取消"]
PROMPTS = {"query_prompt": "如何", "passage_prompt": "取"}


@pytest.fixture(scope="module")
def model():
    return bi_model()


@pytest.fixture(scope="module")
def prompted():
    return bi_model(preprocessor=bi_preprocessor(**PROMPTS), normalize=False)


def test_the_defaults_are_means_of_length_one_and_cosines(model):
    config = model.get_config()
    assert config["pooling"] == "mean"
    assert config["projection_dim"] is None
    assert config["normalize"]
    assert config["similarity"] == "cosine"
    assert model.scoring == Scoring("cosine")
    assert not model.backbone.get_layer("pooler").trainable


@pytest.mark.parametrize("side", ["query", "passage"])
def test_a_side_has_its_prompt(prompted, side):
    expected = one_by_one(prompted, WORDS, PROMPTS[f"{side}_prompt"])
    found = prompted.encode(WORDS, side=side)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_size_of_a_batch_changes_nothing(model, batch_size):
    found = model.encode(WORDS, batch_size=batch_size)
    np.testing.assert_allclose(found, model.encode(WORDS), atol=1e-6)


def test_one_text_no_text_and_the_same_text(model):
    vectors = model.encode(WORDS)
    np.testing.assert_array_equal(vectors[0], vectors[4])
    np.testing.assert_allclose(model.encode(WORDS[2]), vectors[2], atol=1e-6)
    assert model.encode([]).shape == (0, 8)


@pytest.mark.parametrize("normalize", [False, True])
def test_the_first_dimensions_may_be_kept(normalize):
    model = bi_model(normalize=normalize)
    expected = model.encode(WORDS)[:, :3]
    if normalize:
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = model.encode(WORDS, truncate_dim=3)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("texts", "options", "error", "message"),
    [
        (["a", None], {}, TypeError, "text 1 to be a string. Received: None"),
        (["\ud800"], {}, ValueError, "text 0.*lone surrogate"),
        (["a"], {"side": "both"}, ValueError, "`side` must be one of.*'both'"),
        (["a"], {"batch_size": 0}, ValueError, "batch_size=0"),
        (["a"], {"truncate_dim": 9}, ValueError, "at most 8, the model's"),
    ],
)
def test_what_cannot_be_encoded_is_refused(
    model, texts, options, error, message
):
    with pytest.raises(error, match=message):
        model.encode(texts, **options)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_pairs_are_scored_by_the_similarity_of_their_vectors(similarity):
    model = bi_model(
        preprocessor=bi_preprocessor(**PROMPTS),
        similarity=similarity,
        normalize=similarity == "dot",
    )
    a, b = WORDS[:4], WORDS[1:]
    queries, passages = model.encode(a, side="query"), model.encode(b)
    similar = [
        DEFINITIONS[similarity](*pair)
        for pair in zip(queries, passages, strict=True)
    ]
    pairs = list(zip(a, b, strict=True))
    logits = model.pair_scorer().logits(pairs)
    np.testing.assert_allclose(logits[:, 0], similar, rtol=1e-4, atol=1e-5)
    similar = np.array(similar)
    if similarity == "cosine":
        expected = (1 + similar) / 2
    else:
        expected = 1 / (1 + np.exp(-similar))
    scores = model.score(pairs)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.score(Pairs(a, b)), scores)
    matrix = model.similarity(queries, passages)
    np.testing.assert_allclose(np.diag(matrix), similar, rtol=1e-4, atol=1e-5)
    outputs = model.predict(Pairs(a, b), verbose=0)
    assert outputs.shape == (4, 2, 8)
    np.testing.assert_allclose(
        to_numpy(model.pair_logits(outputs)), logits, rtol=1e-4, atol=1e-5
    )


def test_candidates_are_ranked_by_their_scores(model):
    ranked = model.rank("取消", WORDS[1:])
    scores = model.score([("取消", text) for text in WORDS[1:]])
    order = np.argsort(-scores, kind="stable")
    assert [place.index for place in ranked] == order.tolist()
    assert ranked[0].text == "取消"
    assert ranked[0].score == pytest.approx(1)
    many = model.rank_many(["取消", "Hello"], [WORDS[1:], WORDS[:2]], top_k=1)
    assert [[place.text for place in row] for row in many] == [
        ["取消"],
        [max(WORDS[:2], key=lambda text: model.score([("Hello", text)])[0])],
    ]
    groups = ["a", "b", "a", "b"]
    best = model.rank("取消", WORDS[1:], groups=groups)
    firsts = {groups[place.index]: place for place in reversed(ranked)}
    assert best == sorted(firsts.values(), key=lambda place: -place.score)


def test_predict_keeps_the_order_of_the_texts(prompted):
    lengths = [5, 1, 4, 2, 3]
    pairs = Pairs(["借" * n for n in lengths], ["还" * n for n in lengths])
    found = prompted.predict(pairs, batch_size=2, verbose=0)
    for column, side in enumerate(("query", "passage")):
        texts = (pairs.text_a, pairs.text_b)[column]
        expected = prompted.encode(texts, side=side)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-5)


@pytest.mark.parametrize("texts", [2, 3])
def test_several_texts_a_row_are_as_one_each(model, texts):
    columns = [WORDS[start : start + 3] for start in range(texts)]
    features = model.preprocessor.pack(*columns)
    flat = {
        name: feature.reshape(-1, feature.shape[-1])
        for name, feature in features.items()
    }
    found, alone = to_numpy(model(features)), to_numpy(model(flat))
    assert (found.shape, alone.shape) == ((3, texts, 8), (3 * texts, 8))
    np.testing.assert_allclose(found.reshape(alone.shape), alone, atol=1e-6)
    predicted = model.predict(features, verbose=0)
    np.testing.assert_allclose(predicted, found, atol=1e-6)


def test_shapes_are_known_before_anything_is_computed(model):
    for shape in ((None, 2, None), (4, 3, 16), (None, None)):
        inputs = {
            name: keras.KerasTensor(shape, "int32")
            for name in model.preprocessor.feature_names
        }
        output = model(inputs)
        assert (output.shape, output.dtype) == ((*shape[:-1], 8), "float32")


def test_a_model_is_evaluated_on_pairs(model):
    pairs = topic_pairs()
    report = evaluation.evaluate_pairs(model, pairs, num_resamples=20)
    scores = model.score(pairs)
    assert report.auc == evaluation.roc_auc(pairs.label, scores)
    right = np.mean((scores >= 0.5) == (pairs.label == 1))
    assert report.accuracy == pytest.approx(right)


@pytest.mark.parametrize("segments", [True, False], ids=["BERT", "RoBERTa"])
def test_a_backbone_of_keras_hub_will_do(segments):
    kind = "BertBackbone" if segments else "RobertaBackbone"
    backbone = tiny_backbone(kind)
    model = bi_model(backbone, bi_preprocessor(segments=segments))
    features = model.preprocessor.pack(WORDS, WORDS)
    assert to_numpy(model(features)).shape == (5, 2, 8)


def test_without_a_preprocessor_it_reads_features_alone(model):
    bare = BiEncoder(model.backbone, name="bare")
    features = model.preprocessor.pack(["取消"], ["还款"])
    assert bare.predict(features, verbose=0).shape == (1, 2, 8)
    with pytest.raises(ValueError, match="`bare` has no preprocessor"):
        bare.encode(["a"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "sum"}, "`pooling` must be one of.*'pooler'.*'sum'"),
        ({"pooling": None}, None),
        ({"similarity": "l2"}, "`similarity` must be one of.*'l2'"),
        ({"projection_dim": 0}, "`projection_dim` must be .*projection_dim=0"),
        ({"projection_activation": "tanh"}, "`projection_dim`.*None.*'tanh'"),
        ({"scoring": Scoring("softmax")}, '"softmax" one for each of two'),
        ({"scoring": Scoring("sigmoid", long="max")}, "`groups` in `rank`"),
        (
            {"scoring": Scoring("cosine"), "similarity": "euclidean"},
            "'euclidean' and normalize=True. Take \"sigmoid\"",
        ),
        (
            {
                "scoring": Scoring("cosine"),
                "similarity": "dot",
                "normalize": False,
            },
            "'dot' and normalize=False",
        ),
    ],
)
def test_other_options_are_refused(options, message):
    if message is None:
        assert bi_model(**options).encode("a").shape == (8,)
        return
    with pytest.raises(ValueError, match=message):
        bi_model(**options)


def test_a_dot_product_of_unit_vectors_is_a_cosine():
    model = bi_model(similarity="dot", scoring=Scoring("cosine"))
    pairs = [("取消", "还款"), ("取消", "取消")]
    np.testing.assert_allclose(model.score(pairs), bi_model().score(pairs))


def test_an_unknown_argument_is_refused(model):
    with pytest.raises(TypeError, match="normalise"):
        BiEncoder(model.backbone, normalise=True)
