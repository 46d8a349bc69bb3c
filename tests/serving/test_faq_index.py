"""Answers come and go without training, and are found by what is asked."""

import numpy as np
import pytest

from semmatch import FAQIndex
from semmatch import Scoring
from semmatch.serving import Answer
from tests.serving.encoders import cosine
from tests.serving.encoders import CountLetters
from tests.serving.encoders import LETTERS
from tests.serving.faqs import assert_finds
from tests.serving.faqs import expected
from tests.serving.faqs import FAQ
from tests.serving.faqs import KINDS
from tests.serving.faqs import make
from tests.serving.faqs import QUERIES


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def test_answers_are_found_by_their_best_phrasing(kind):
    index = make(kind=kind)
    assert len(index) == 4
    for top_k in (1, 3, 4, 50):
        assert_finds(index, FAQ, top_k)


def test_an_answer_is_a_record():
    answer = make().search("cancel an order", 1)[0]
    assert isinstance(answer, Answer)
    id, score, text, band = answer
    assert (id, text, band) == ("cancel", "cancel an order", "match")
    assert type(score) is float and score == pytest.approx(1)
    assert len(make().search("cancel an order")) == 4  # of the default, 5


def test_bands_are_those_of_the_encoder_as_it_is_now():
    index = make()
    scores = [answer.score for answer in index.search(QUERIES[0], 4)]
    index.encoder.scoring = Scoring(
        "cosine",
        threshold=(scores[0] + scores[1]) / 2,
        suggest_threshold=(scores[1] + scores[2]) / 2,
    )
    bands = [answer.band for answer in index.search(QUERIES[0], 4)]
    assert bands == ["match", "suggest", "none", "none"]


def test_scores_are_fitted_ones():
    scoring = Scoring("sigmoid", temperature=0.1, bias=-8.0)
    index = make(scoring=scoring)
    answers = index.search(QUERIES[0], 4)
    cosines = [c for _, c, _ in expected(QUERIES[0], FAQ)]
    np.testing.assert_allclose(
        [answer.score for answer in answers],
        1 / (1 + np.exp(-(np.array(cosines) * 10 - 8))),
        rtol=1e-4,
    )


@pytest.mark.parametrize("similarity", ["dot", "euclidean", "manhattan"])
def test_the_similarity_is_the_encoders(similarity):
    index = make(similarity=similarity, scoring=Scoring("sigmoid", 10.0))
    assert index.vector_index.similarity == similarity
    answer = index.search("open hours", 1)[0]
    vector = index.encoder.vector("open hours", "query")
    of_equals = vector @ vector if similarity == "dot" else 0
    assert (answer.id, answer.text) == (7, "open hours")
    assert answer.score == pytest.approx(1 / (1 + np.exp(-of_equals / 10)))


def test_phrasings_are_passages_and_what_is_asked_is_a_query():
    encoder = CountLetters(query_prompt="qqq ", passage_prompt="zz ")
    index = make(encoder=encoder)
    assert_finds(index, FAQ)
    sides = {side for side, texts in encoder.encoded if QUERIES[0] in texts}
    assert sides == {"query"}
    sides = {side for side, texts in encoder.encoded if "open hours" in texts}
    assert sides == {"passage"}


def test_answers_are_added_changed_and_deleted(kind):
    index = make(kind=kind)
    faq = dict(FAQ)
    index.add("limit", "what is my limit")
    faq["limit"] = ["what is my limit"]
    assert "limit" in index and 7 in index and "7" not in index
    assert_finds(index, faq)

    faq["repay"] = ["how can i give it back", "is it due now"]
    index.update("repay", faq["repay"])
    assert_finds(index, faq)

    index.delete(7)
    del faq[7]
    assert 7 not in index and len(index) == 4
    assert_finds(index, faq)
    assert dict(index.items()) == faq

    index.add(7, FAQ[7])
    faq[7] = FAQ[7]
    assert_finds(index, faq)


def test_all_answers_may_go(kind):
    index = make(kind=kind)
    for id in FAQ:
        index.delete(id)
    assert len(index) == 0 and index.items() == []
    assert index.search("cancel") == []
    assert index.search_many(["cancel", "open"], 2) == [[], []]
    index.add_many(FAQ)
    assert_finds(index, FAQ)


def test_nothing_in_is_nothing_out():
    index = FAQIndex(CountLetters())
    index.add_many({})
    index.add_many([])
    assert index.search("cancel") == []
    assert index.search_many([]) == []


@pytest.mark.parametrize(
    "form",
    [
        dict,
        lambda faq: list(faq.items()),
        lambda faq: (list(item) for item in faq.items()),
        lambda faq: {id: tuple(texts) for id, texts in faq.items()},
        lambda faq: {id: iter(texts) for id, texts in faq.items()},
    ],
)
def test_answers_may_come_in_any_form(form):
    index = make(form(FAQ))
    assert index.items() == list(FAQ.items())
    assert_finds(index, FAQ)


def test_all_texts_are_encoded_in_one_go():
    encoder = CountLetters()
    index = FAQIndex(encoder)
    index.add_many(FAQ)
    index.search_many(QUERIES)
    # Before them what tells the encoder from others, on both sides.
    assert [len(texts) for _, texts in encoder.encoded] == [3, 3, 8, 4]


@pytest.mark.parametrize("extra", [-1, 1])
def test_an_encoder_that_gives_other_vectors_is_refused(extra):
    encoder = CountLetters()
    index = make(encoder=encoder)
    encode = encoder.encode

    def wrong(texts, side):
        vectors = encode(texts, side)
        if "settle it" in texts:
            vectors = np.resize(vectors, (len(texts) + extra, 26))
        return vectors

    encoder.encode = wrong
    with pytest.raises(ValueError, match=f"{2 + extra} vectors for 2 texts"):
        index.add("settle", ["settle it", "settle all"])
    assert "settle" not in index and len(index.vector_index) == 8
    assert_finds(index, FAQ)


def test_many_phrasings_of_one_answer_do_not_hide_the_others(kind):
    # 260 phrasings are nearer than all other answers.
    many = [f"how can i repay {a}{b}" for a in LETTERS for b in LETTERS[:10]]
    faq = {"many": many, **FAQ}
    index = make(faq, kind)
    calls = []
    search = index.vector_index.search

    def spy(queries, k):
        calls.append((len(queries), k))
        return search(queries, k)

    index.vector_index.search = spy
    answers = index.search_many([QUERIES[0], "moved house"], 3)
    assert [a.id for a in answers[0]] == [
        id for id, _, _ in expected(QUERIES[0], faq)[:3]
    ]
    assert answers[0][0].id == "many"
    assert answers[1][0].text == "moved house"
    # What is found is not searched for again, and it ends.
    assert len(calls) <= 3
    assert calls[0][0] == 2 and calls[-1][0] == 1


def test_an_index_that_finds_too_few_ends():
    index = make(kind={"factory": "IVF8,Flat"})  # looks into one cell
    answers = index.search(QUERIES[0], 4)
    assert 1 <= len(answers) < 4
    best = [id for id, _, _ in expected(QUERIES[0], FAQ)]
    ids = [answer.id for answer in answers]
    assert ids == [id for id in best if id in ids]


def test_phrasings_are_found_one_by_one(kind):
    index = make(kind=kind)
    encoder = CountLetters()
    query = encoder.vector(QUERIES[0], "query")
    ranked = sorted(
        (-cosine(query, encoder.vector(text, "passage")), id, text)
        for id, texts in FAQ.items()
        if isinstance(id, str)
        for text in texts
    )
    found = index.search_phrasings([QUERIES[0]], 100)[0]
    assert len(found) == 8
    found = [answer for answer in found if answer.id != 7]
    assert [(a.id, a.text) for a in found] == [(i, t) for _, i, t in ranked]
    assert len(index.search_phrasings(QUERIES, 5)[2]) == 5


@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        ({"repay": "x"}, ValueError, "'repay', which is there already.*update"),
        ([("a", "x"), ("a", "y")], ValueError, "'a', which is there already"),
        ({"a": []}, ValueError, "none for the answer 'a'"),
        ({"a": ["x", None]}, TypeError, "phrasing 1 of answer 'a'.*None"),
        ({"a": "x\ud800"}, ValueError, "phrasing 0 of answer 'a'.*surrogate"),
        ({"a\ud800": "x"}, ValueError, "the id of an answer.*surrogate"),
        ({1.5: "x"}, TypeError, "string or an integer. Received: 1.5"),
        ({True: "x"}, TypeError, "Received: True of type bool"),
        ({None: "x"}, TypeError, "Received: None"),
        (["ab"], ValueError, "position 0: 'ab'"),
        ([("a", "x", "y")], ValueError, "position 0: "),
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_added(
    answers, error, message
):
    index = make()
    if isinstance(answers, dict):
        answers = {"fine": "a fine one", **answers}
        message = message.replace("position 0", "position 1")
    with pytest.raises(error, match=message):
        index.add_many(answers)
    assert dict(index.items()) == FAQ
    assert_finds(index, FAQ)


@pytest.mark.parametrize("phrasings", [[], ["x", 3], None])
def test_a_change_that_fails_leaves_the_answer(kind, phrasings):
    index = make(kind=kind)
    with pytest.raises((TypeError, ValueError)):
        index.update("repay", phrasings)
    index.encoder.vector = lambda text, side: np.full(26, np.nan)
    with pytest.raises(ValueError, match=r"NaN or infinity in vectors\[0\]"):
        index.update("repay", "x")
    del index.encoder.vector
    assert dict(index.items()) == FAQ
    assert_finds(index, FAQ)


def test_answers_that_are_not_there_cannot_be_changed():
    index = make()
    message = "There is no answer 'none' in this index of 4"
    with pytest.raises(KeyError, match=message):
        index.update("none", "x")
    with pytest.raises(KeyError, match=message):
        index.delete("none")
    assert_finds(index, FAQ)


def test_what_cannot_be_searched_for_is_refused():
    index = make()
    with pytest.raises(TypeError, match="the query to be a string.*3"):
        index.search(3)
    with pytest.raises(TypeError, match="list of queries. Received: 'cancel'"):
        index.search_many("cancel")
    with pytest.raises(ValueError, match="`top_k` .*top_k=0"):
        index.search("cancel", 0)
    with pytest.raises(ValueError, match="`count` .*count=-1"):
        index.search_phrasings(["cancel"], -1)


def test_both_orders_cannot_be_scored_where_sides_differ():
    symmetric = Scoring("cosine", symmetric=True)
    assert_finds(make(scoring=symmetric), FAQ)
    index = make(scoring=symmetric, query_prompt="ask ")
    with pytest.raises(ValueError, match="`scoring.symmetric=True`"):
        index.search("cancel")


def test_an_index_that_cannot_remove_is_refused():
    with pytest.raises(ValueError, match="cannot remove.*factory='Flat,RFlat'"):
        FAQIndex(CountLetters(), factory="Flat,RFlat")
