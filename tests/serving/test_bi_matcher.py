"""A deploy folder of a bi-encoder, served from one thread and from many."""

import concurrent.futures

import numpy as np
import pytest

from semmatch import export_onnx
from semmatch import Matcher
from semmatch import Scoring
from semmatch._records import Embedding
from semmatch.serving.precision import PRECISIONS
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.checks import tiny_model
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor
from tests.test_similarity import DEFINITIONS

pytestmark = tensorflow_only

PAIRS = [(a, b) for a in TEXTS for b in [*TEXTS, ""]]
PROMPTS = {"query_prompt": "如", "passage_prompt": "取"}


@pytest.fixture(scope="module")
def model():
    scoring = Scoring("sigmoid", 0.1, -8.0, threshold=0.7)
    return bi_model(preprocessor=bi_preprocessor(**PROMPTS), scoring=scoring)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deploy")
    export_onnx(model, folder)
    return folder


@pytest.fixture(scope="module")
def matcher(folder):
    return Matcher(folder, num_threads=1)


@pytest.fixture(scope="module")
def cross(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deploy")
    export_onnx(tiny_model(), folder)
    return Matcher(folder)


def test_it_says_what_its_vectors_and_scores_are(model, matcher, cross):
    embedding = Embedding(8, "cosine", True, "如", "取")
    assert matcher.embedding == matcher.config.embedding == embedding
    assert matcher.scoring == model.scoring
    assert matcher.num_classes == 1
    assert matcher.packer.sequence_length == 16
    assert cross.embedding is None


@pytest.mark.parametrize("side", ["query", "passage"])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dim", [None, 3])
def test_vectors_are_those_of_the_model(model, matcher, side, precision, dim):
    options = {"side": side, "precision": precision, "truncate_dim": dim}
    found = matcher.encode(TEXTS, batch_size=2, **options)
    assert (found.shape, found.dtype) == ((5, dim or 8), precision)
    expected = model.encode(TEXTS, **options)
    assert expected.dtype == precision
    # One step of int8, where float32 falls on its border.
    steps = {"float32": 1e-5, "float16": 1e-3, "int8": 1}[precision]
    difference = found.astype("float32") - expected.astype("float32")
    assert np.abs(difference).max() <= steps


def test_scores_and_places_are_those_of_the_model(model, matcher):
    scores = matcher.score(PAIRS)
    assert (scores.shape, scores.dtype) == ((30,), np.float32)
    assert np.ptp(scores) > 0.2  # else any model would do
    np.testing.assert_allclose(scores, model.score(PAIRS), atol=1e-5)
    queries, passages = zip(*PAIRS, strict=True)
    a, b = matcher.encode(queries, side="query"), matcher.encode(passages)
    cosines = [DEFINITIONS["cosine"](*pair) for pair in zip(a, b, strict=True)]
    logits = matcher.logits(PAIRS)
    np.testing.assert_allclose(logits[:, 0], cosines, atol=1e-5)
    for one, other in zip(
        matcher.rank_many(TEXTS[:2], [TEXTS, TEXTS[:3]], top_k=4),
        model.rank_many(TEXTS[:2], [TEXTS, TEXTS[:3]], top_k=4),
        strict=True,
    ):
        assert [place[2] for place in one] == [place[2] for place in other]
        assert [place.band for place in one] == [place.band for place in other]


def test_similarities_are_of_each_with_each(model, matcher):
    a, b = matcher.encode(TEXTS), matcher.encode(TEXTS[:2])
    expected = [[DEFINITIONS["cosine"](x, y) for y in b] for x in a]
    found = matcher.similarity(a, b)
    assert (found.shape, found.dtype) == ((5, 2), np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    small = matcher.encode(TEXTS, precision="int8")
    for served in (matcher, model):
        np.testing.assert_allclose(
            served.similarity(small, b), expected, atol=0.01
        )


def test_one_text_no_text_and_an_empty_one(model, matcher):
    for served in (model, matcher):
        assert served.encode([]).shape == (0, 8)
        none = served.encode([], precision="int8", truncate_dim=3)
        assert (none.shape, none.dtype) == ((0, 3), np.int8)
        one = served.encode("还款")
        np.testing.assert_allclose(one, served.encode(["还款"])[0], atol=1e-6)
        # Of its prompt and special tokens alone, and so as the prompt is.
        empty = served.encode("")
        assert np.linalg.norm(empty) == pytest.approx(1, abs=1e-5)
        ids = served.pair_scorer().packer.tokenize(["取"])
        features = served.pair_scorer().packer.pack_ids(ids)
        expected = served.pair_scorer().run(features)[0]
        np.testing.assert_allclose(empty, expected, atol=1e-6)
    assert matcher.score([]).shape == (0,)
    assert matcher.rank("怎么还款", []) == []


def test_another_scoring_may_be_assigned(model, matcher):
    before = matcher.scoring
    try:
        matcher.scoring = Scoring("cosine", symmetric=True)
        cosines = matcher.logits(PAIRS)
        turned = matcher.logits([(b, a) for a, b in PAIRS])
        np.testing.assert_array_equal(cosines, turned)
        expected = (1 + cosines[:, 0]) / 2
        np.testing.assert_allclose(matcher.score(PAIRS), expected, atol=1e-6)
    finally:
        matcher.scoring = before
    assert matcher.logits(PAIRS)[1] != matcher.logits([PAIRS[1][::-1]])[0]


def test_warming_up_changes_nothing(matcher):
    expected = matcher.encode(TEXTS)
    matcher.warm_up()
    matcher.warm_up(longest=8)
    np.testing.assert_array_equal(matcher.encode(TEXTS), expected)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_vectors_are_those_of_any_batch_and_any_number_of_threads(
    matcher, folder, num_threads
):
    other = Matcher(folder, num_threads=num_threads)
    expected = matcher.encode(TEXTS)
    for batch_size in (1, 2, 5):
        found = other.encode(TEXTS, batch_size=batch_size)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_eight_threads_get_what_one_gets(matcher):
    expected = matcher.encode(TEXTS)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for found in pool.map(matcher.encode, [TEXTS] * 40):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side": "both"}, "`side` must be one of.*'both'"),
        ({"truncate_dim": 9}, "at most 8, the model's"),
        ({"precision": "int4"}, "`precision` must be one of.*'int4'"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_other_options_are_refused(matcher, options, message):
    with pytest.raises(ValueError, match=message):
        matcher.encode(TEXTS, **options)


def test_vectors_of_a_cross_encoder_are_refused(cross):
    message = "Vectors of texts are of a `BiEncoder`.*`Matcher` of a cross-enc"
    with pytest.raises(TypeError, match=message):
        cross.encode(["还款"])
    with pytest.raises(TypeError, match=message):
        cross.similarity(np.ones((1, 8)), np.ones((1, 8)))


def test_broken_weights_are_an_error_that_names_a_text():
    model = bi_model()
    model.set_weights([value * np.nan for value in model.get_weights()])
    with pytest.raises(ValueError, match="for 2 of 2 texts.* '还款'"):
        model.encode(["还款", "取消"])
    with pytest.raises(ValueError, match="NaN or infinity"):
        model.score([("还款", "取消")])
