"""BM25 is its formula, and finds by it."""

import collections
import math

import numpy as np
import pytest

from semmatch.data import BM25
from semmatch.data import load_faq
from semmatch.data.bm25 import text_terms
from semmatch.data.top_rows import top_rows


def by_formula(query, texts, k1=1.2, b=0.75):
    """Robertson and Zaragoza 2009, equation 3.15, term by term."""
    counts = [collections.Counter(text_terms(text)) for text in texts]
    lengths = [count.total() for count in counts]
    mean = sum(lengths) / len(texts)
    scores = []
    for count, length in zip(counts, lengths, strict=True):
        score = 0.0
        for term in text_terms(query):
            having = sum(term in other for other in counts)
            idf = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
            norm = k1 * (1 - b + b * length / mean)
            score += idf * count[term] / (count[term] + norm)
        scores.append(score)
    return scores


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("options", [{}, {"k1": 0.5, "b": 0.2}])
def test_scores_are_those_of_the_formula(language, options):
    faq = load_faq(language)
    texts, queries = faq.texts("train")[:60], faq.texts("test")[:5]
    scores = BM25(texts, **options).scores(queries)
    expected = [by_formula(query, texts, **options) for query in queries]
    assert scores.dtype == "float32"
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)


def test_a_search_finds_the_highest_scores_best_first():
    faq = load_faq("zh")
    texts, queries = faq.texts("train")[:150], faq.texts("valid")[:4]
    scores, rows = BM25(texts).search(queries, 7)
    assert scores.shape == rows.shape == (4, 7)
    for query, own, found in zip(queries, scores, rows, strict=True):
        expected = np.array(by_formula(query, texts))
        order = np.sort(expected)[::-1][:7]
        np.testing.assert_allclose(own, order, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(own, expected[found], rtol=1e-5, atol=1e-6)


def test_of_equal_texts_the_first_come_first_and_zeros_last():
    bm25 = BM25(["取消", "还款", "取消", "借", "取消"])
    scores, rows = bm25.search(["取消", "world"], 4)
    assert rows.tolist() == [[0, 2, 4, 1], [0, 1, 2, 3]]
    assert scores[0, 2] > scores[0, 3] == 0
    assert not scores[1].any()


def test_more_queries_than_are_scored_at_once(monkeypatch):
    texts, queries = list("借还款取消"), list("款消借还取吗")
    bm25 = BM25(texts)
    expected = bm25.search(queries, 2)
    monkeypatch.setattr("semmatch.data.bm25._SCORES", 2 * len(texts))
    for one, other in zip(bm25.search(queries, 2), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("还款", ["还", "款", "还款"]),
        ("借", ["借"]),
        ("How's App-2?", ["how", "s", "app", "2"]),
        ("用APP还", ["用", "app", "还"]),
        ("ＡＢ　１２", ["ab", "12"]),
        ("すし", ["す", "し", "すし"]),
        ("𠮷野", ["𠮷", "野", "𠮷野"]),
        ("한국어 é", ["한국어", "é"]),
        ("？！ ", []),
    ],
)
def test_terms_are_words_and_pairs_of_characters(text, terms):
    assert text_terms(text) == terms


def test_texts_without_terms_score_nothing():
    np.testing.assert_array_equal(
        BM25(["！", "？"]).scores(["还款", "！"]), np.zeros((2, 2))
    )


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: BM25([]), ValueError, "`texts` is empty"),
        (lambda: BM25("ab"), TypeError, "`texts` must be a list"),
        (lambda: BM25(["a"], k1=-1), ValueError, "k1=-1 and b=0.75"),
        (lambda: BM25(["a"], b=1.5), ValueError, "b=1.5"),
        (lambda: BM25(["a"]).scores("ab"), TypeError, "`queries` must be"),
        (lambda: BM25(["a"]).search("ab", 1), TypeError, "`queries` must be"),
        (lambda: BM25(["a"]).search(["a"], 2), ValueError, "are 1 texts.*k=2"),
        (lambda: BM25(["a"]).search(["a"], 0), ValueError, "`k` must be.*k=0"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("k", [1, 3, 50])
def test_top_rows_are_a_stable_sort(k):
    scores = np.random.default_rng(0).integers(0, 6, (30, 50)) / 4
    scores[:5] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(top_rows(scores, k), expected)
