"""What the first stage finds is ranked by the second."""

import numpy as np
import pytest

from semmatch import FAQIndex
from semmatch import RetrieveRerank
from semmatch import Scoring
from semmatch.serving import Answer
from semmatch.serving.scorer import Scorer
from tests.serving.encoders import cosine
from tests.serving.encoders import CountLetters

FAQ = {
    "repay": ["how to repay", "pay money back", "settle a loan"],
    "cancel": ["cancel an order"],
    7: ["open hours", "when is it open"],
    "address": ["change my address", "moved house"],
}
QUERIES = ["how can i repay", "is it open now", "new address", "cancel"]
SCORING = Scoring("sigmoid", threshold=0.4, suggest_threshold=0.25)
KINDS = [{}, {"factory": "HNSW16", "search_parameters": "efSearch=50"}]


class NearLengths(Scorer):
    """The nearer the lengths of two texts, the higher: no bi-encoder's order.

    Its threshold is not the first stage's either.
    """

    def __init__(self):
        super().__init__(SCORING)
        self.pairs = []

    def logits(self, pairs):
        self.pairs.append(list(pairs))
        return np.array([[self.logit(*pair)] for pair in pairs], "float32")

    @staticmethod
    def logit(a, b):
        return -abs(len(a) - len(b)) / 4


def make(kind=None, faq=FAQ, **options):
    both = RetrieveRerank(
        CountLetters(), NearLengths(), **options, **(kind or {})
    )
    both.add_many(faq)
    return both


def expected(query, faq, retrieve_k):
    """Of the nearest phrasings by cosine, each answer's best by length."""
    encoder = CountLetters()
    asked = encoder.vector(query, "query")
    phrasings = [(id, text) for id, texts in faq.items() for text in texts]
    phrasings.sort(
        key=lambda p: -cosine(asked, encoder.vector(p[1], "passage"))
    )
    near = phrasings[:retrieve_k]
    near.sort(key=lambda p: -NearLengths.logit(query, p[1]))
    best = {}
    for id, text in near:
        score = 1 / (1 + np.exp(-NearLengths.logit(query, text)))
        best.setdefault(id, (id, pytest.approx(score), text))
    return list(best.values())


def assert_finds(both, faq, top_k=4):
    found = both.search_many(QUERIES, top_k)
    for query, answers in zip(QUERIES, found, strict=True):
        best = expected(query, faq, both.retrieve_k)[:top_k]
        assert [answer[:3] for answer in answers] == best
        assert [answer.band for answer in answers] == [
            SCORING.band(answer.score) for answer in answers
        ]
        assert both.search(query, top_k) == answers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("retrieve_k", [3, 5, 100])
def test_what_was_retrieved_is_ranked_by_the_cross_encoder(kind, retrieve_k):
    both = make(kind, retrieve_k=retrieve_k)
    for top_k in (1, 3):
        assert_finds(both, FAQ, top_k)
    assert isinstance(both.search("cancel", 1)[0], Answer)


def test_the_stages_do_not_agree_here():
    first = FAQIndex(CountLetters())
    first.add_many(FAQ)
    both = make()
    orders = [
        [[a.id for a in answers] for answers in index.search_many(QUERIES, 4)]
        for index in (first, both)
    ]
    assert orders[0] != orders[1]
    found = both.search_many(QUERIES, 4)
    bands = {answer.band for answers in found for answer in answers}
    assert bands == {"match", "suggest", "none"}


def test_all_queries_are_ranked_in_one_go_and_no_more_than_retrieved():
    both = make(retrieve_k=3)
    both.search_many(QUERIES, 2)
    assert [len(pairs) for pairs in both.cross_encoder.pairs] == [4 * 3]


def stretched(scores):
    """Scores by id, the least at 0 and the greatest at 1."""
    least, greatest = min(scores.values()), max(scores.values())
    return {
        id: (score - least) / (greatest - least) for id, score in scores.items()
    }


@pytest.mark.parametrize("weight", [0.2, 0.5, 0.8])
def test_the_first_stage_counts_in_the_order_as_it_weighs(weight):
    both = make(retrieval_weight=weight)
    found = both.search_many(QUERIES, 4)
    retrieved = both.index.search_many(QUERIES, 4)
    reranked = make().search_many(QUERIES, 4)
    for answers, first, second in zip(found, retrieved, reranked, strict=True):
        near = stretched({answer.id: answer.score for answer in first})
        read = stretched({answer.id: answer.score for answer in second})
        # The phrasing, its score and its band are the cross-encoder's.
        expected = sorted(
            second,
            key=lambda answer: (
                -(weight * near[answer.id] + (1 - weight) * read[answer.id])
            ),
        )
        assert answers == expected
    assert both.search_many(QUERIES, 2) == [answers[:2] for answers in found]


def test_weights_lead_from_the_order_of_one_stage_to_that_of_the_other():
    def ids(index):
        found = index.search_many(QUERIES, 4)
        return [[answer.id for answer in answers] for answers in found]

    alone = FAQIndex(CountLetters())
    alone.add_many(FAQ)
    assert ids(make(retrieval_weight=1)) == ids(alone)
    assert ids(make(retrieval_weight=0.0)) == ids(make())
    assert ids(make(retrieval_weight=0.5)) not in (
        ids(alone),
        ids(make()),
    )


@pytest.mark.parametrize("faq", [{}, {"cancel": "cancel"}, {1: "ab", 2: "ba"}])
def test_candidates_that_nothing_tells_apart_have_an_order(faq):
    found = make(faq=faq, retrieval_weight=0.5).search("cancel")
    assert [answer.id for answer in found] == list(faq)


def test_of_equal_scores_the_other_stage_decides():
    both = make(retrieval_weight=0.5)
    expected = [make().search_many(QUERIES, 4), both.index.search_many(QUERIES)]
    both.index.encoder.scoring = Scoring("sigmoid").fitted(1.0, 200.0)
    found = [both.search_many(QUERIES, 4)]
    both.index.encoder.scoring = Scoring("cosine")
    both.cross_encoder.scoring = SCORING.fitted(1.0, 200.0)
    found.append(both.search_many(QUERIES, 4))
    for one, other in zip(found, expected, strict=True):
        assert [[a.id for a in answers] for answers in one] == [
            [a.id for a in answers] for answers in other
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_added_changed_and_deleted(kind):
    both = make(kind)
    faq = dict(FAQ)
    both.add("limit", "what is my limit")
    both.update("repay", "give it back")
    both.delete(7)
    faq["limit"], faq["repay"] = ["what is my limit"], ["give it back"]
    del faq[7]
    assert len(both) == 4 and "limit" in both and 7 not in both
    assert dict(both.items()) == faq
    assert_finds(both, faq)


def test_nothing_in_is_nothing_out():
    both = make(faq={})
    assert both.search("cancel") == []
    assert both.search_many(QUERIES[:2]) == [[], []]
    assert both.search_many([]) == []


def test_queries_may_come_in_any_form():
    both = make()
    found = both.search_many(QUERIES)
    assert both.search_many(query for query in QUERIES) == found
    assert both.search_many(np.array(QUERIES)) == found


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_index_is_the_same(tmp_path, kind):
    both = make(kind, retrieve_k=5)
    both.save(tmp_path)
    encoder = CountLetters()
    loaded = RetrieveRerank.load(tmp_path, encoder, NearLengths(), 5)
    assert loaded.index.encoder is encoder
    assert loaded.index.vector_index.factory == kind.get("factory")
    assert_finds(loaded, FAQ)
    assert loaded.retrieve_k == 5
    assert loaded.retrieval_weight == 0
    loaded = RetrieveRerank.load(
        tmp_path, encoder, NearLengths(), retrieval_weight=0.5
    )
    assert loaded.retrieve_k == 100 and loaded.retrieval_weight == 0.5


def test_the_folder_is_that_of_the_first_stage(tmp_path):
    make().save(tmp_path)
    assert FAQIndex.load(tmp_path, CountLetters()).items() == list(FAQ.items())
    other = CountLetters(seed=1)
    with pytest.raises(ValueError, match="of another encoder"):
        RetrieveRerank.load(tmp_path, other, NearLengths())
    both = RetrieveRerank.load(
        tmp_path, other, NearLengths(), encode_again=True
    )
    assert both.index.encoder is other
    assert both.items() == list(FAQ.items())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((CountLetters(), object()), TypeError, "`rank_many`.*a `object`"),
        ((object(), NearLengths()), TypeError, "Expected an encoder.*`object`"),
        ((NearLengths(), NearLengths()), TypeError, "encoder.*`NearLengths`"),
        ((CountLetters(), NearLengths(), 0), ValueError, "`retrieve_k` .*k=0"),
    ],
)
def test_stages_that_cannot_be_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        RetrieveRerank(*arguments)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), None, "0.5"])
def test_a_weight_is_a_share(weight):
    both = make(retrieval_weight=0.5)
    with pytest.raises(ValueError, match=r"in \[0, 1\].*retrieval_weight="):
        make(retrieval_weight=weight)
    with pytest.raises(ValueError, match=r"in \[0, 1\].*retrieval_weight="):
        both.retrieval_weight = weight
    assert both.retrieval_weight == 0.5


def test_what_cannot_be_searched_for_is_refused():
    both = make(retrieve_k=4)
    with pytest.raises(ValueError, match="top_k=5 and retrieve_k=4"):
        both.search("cancel")
    with pytest.raises(ValueError, match="`top_k` .*top_k=0"):
        both.search("cancel", 0)
    with pytest.raises(TypeError, match="the query to be a string"):
        both.search(None, 2)
    with pytest.raises(TypeError, match="list of queries. Received: 'cancel'"):
        both.search_many("cancel", 2)
    with pytest.raises(KeyError, match="no answer 'none'"):
        both.delete("none")
