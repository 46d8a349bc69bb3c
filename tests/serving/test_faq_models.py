"""FAQ indexes with real models, in Keras and exported."""

import numpy as np
import pytest

from semmatch import export_onnx
from semmatch import FAQIndex
from semmatch import Matcher
from semmatch import RetrieveRerank
from semmatch import Scoring
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.export.models import spread_model
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor

pytestmark = tensorflow_only

FAQ = {
    "repay": ["如何还款", "借款还款", "怎么还款"],
    "cancel": ["怎么取消借款", "取消"],
    "hello": ["Hello world"],
}
QUERIES = ["怎么还", "如何取消", "Hello"]
PROMPTS = {"query_prompt": "如", "passage_prompt": "取"}


@pytest.fixture(scope="module")
def bi():
    scoring = Scoring("sigmoid", 0.1, -9.0, 0.7, suggest_threshold=0.3)
    return bi_model(preprocessor=bi_preprocessor(**PROMPTS), scoring=scoring)


@pytest.fixture(scope="module")
def cross():
    return spread_model()


@pytest.fixture(scope="module")
def exported(bi, cross, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deploy")
    export_onnx(bi, folder / "bi")
    export_onnx(cross, folder / "cross")
    return Matcher(folder / "bi"), Matcher(folder / "cross")


def ranked(model, query):
    """What `rank` of the model makes of all phrasings."""
    ids = [id for id, texts in FAQ.items() for _ in texts]
    texts = [text for texts in FAQ.values() for text in texts]
    places = model.rank(query, texts, groups=ids)
    return [(ids[p.index], p.text, p.score, p.band) for p in places]


def assert_answers(found, expected):
    assert [(a.id, a.text, a.band) for a in found] == [
        (id, text, band) for id, text, _, band in expected
    ]
    np.testing.assert_allclose(
        [answer.score for answer in found],
        [score for _, _, score, _ in expected],
        atol=1e-5,
    )


@pytest.mark.parametrize("factory", [None, "HNSW16"])
def test_an_index_ranks_as_the_model_does(bi, exported, factory):
    for encoder in (bi, exported[0]):
        index = FAQIndex(encoder, factory=factory)
        index.add_many(FAQ)
        for query in [*QUERIES, *TEXTS]:
            assert_answers(index.search(query), ranked(bi, query))


def test_the_exported_model_is_the_same_encoder(tmp_path, bi, exported):
    index = FAQIndex(bi)
    index.add_many(FAQ)
    index.save(tmp_path)
    loaded = FAQIndex.load(tmp_path, exported[0])
    for query in QUERIES:
        assert_answers(loaded.search(query), ranked(bi, query))
    other = bi_model(preprocessor=bi_preprocessor(**PROMPTS), pooling="max")
    with pytest.raises(ValueError, match="query vectors that differ by"):
        FAQIndex.load(tmp_path, other)


def test_both_stages_work_in_both_forms(bi, cross, exported):
    for first, second in [(bi, cross), exported, (bi, exported[1])]:
        both = RetrieveRerank(first, second)
        both.add_many(FAQ)
        for query in QUERIES:
            assert_answers(both.search(query), ranked(cross, query))


def test_a_cross_encoder_encodes_nothing(cross, exported):
    for model in (cross, exported[1]):
        with pytest.raises(TypeError, match="cross-encoder|CrossEncoder"):
            FAQIndex(model)
