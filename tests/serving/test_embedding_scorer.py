"""Encoding and similarities, around a function that counts tokens."""

import io
import sys
import types

import numpy as np
import pytest
import tqdm.std

from semmatch import Pairs
from semmatch import Scoring
from semmatch._records import Embedding
from semmatch._similarity import SIMILARITIES
from semmatch.serving.embedding_scorer import EmbeddingScorer
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.text_packing import TextPacker
from tests.test_similarity import DEFINITIONS

LETTERS = "怎么取消借款如何还清"
TOKENIZER = Tokenizer.train(list(LETTERS))
SIZE = TOKENIZER.vocabulary_size


class CountTokens:
    """The vector of a text is how often it has each token, and a tenth."""

    def __init__(self):
        self.shapes = []

    def __call__(self, features):
        self.shapes.append(features["token_ids"].shape)
        rows = zip(features["token_ids"], features["padding_mask"], strict=True)
        counts = [
            np.bincount(row[mask == 1], minlength=SIZE) for row, mask in rows
        ]
        return np.array(counts, "float32") + 0.1


def make(scoring=None, max_tokens=4096, length=128, **embedding):
    embedding = Embedding(SIZE, **embedding)
    scoring = scoring or Scoring.for_similarity(embedding.similarity)
    return EmbeddingScorer(
        TextPacker(TOKENIZER, length),
        CountTokens(),
        scoring,
        embedding,
        max_tokens=max_tokens,
    )


def vector(text):
    """A token a character, [CLS] and [SEP]."""
    vocabulary = TOKENIZER._rust.get_vocab()
    counts = np.full(SIZE, 0.1)
    for piece in ["[CLS]", *text, "[SEP]"]:
        counts[vocabulary[piece]] += 1
    return counts


def text(length):
    return (LETTERS * 20)[:length]


def texts_of(seed=0, count=60):
    lengths = np.random.default_rng(seed).integers(0, 60, count)
    return [text(length) for length in lengths]


PAIRS = [("怎么", "取消借"), ("如何", ""), ("如何", "还清"), ("还清", "还清")]


@pytest.mark.parametrize("max_tokens", [1, 200, 4096])
@pytest.mark.parametrize("batch_size", [None, 1, 7, 100])
def test_vectors_come_in_the_order_given(max_tokens, batch_size):
    scorer = make(max_tokens=max_tokens)
    found = scorer.encode(texts_of(), batch_size=batch_size)
    assert (found.shape, found.dtype) == ((60, SIZE), np.float32)
    np.testing.assert_allclose(found, list(map(vector, texts_of())), rtol=1e-6)


@pytest.mark.parametrize("max_tokens", [200, 1000])
def test_a_batch_keeps_the_budget_padding_included(max_tokens):
    scorer = make(max_tokens=max_tokens)
    scorer.encode(texts_of(count=400))
    sizes = [rows * length for rows, length in scorer.run.shapes]
    assert max(sizes) <= max_tokens
    assert min(sizes[:-1]) > max_tokens - 64
    assert sum(rows for rows, _ in scorer.run.shapes) == 400


def test_the_size_of_a_batch_may_be_chosen():
    scorer = make()
    scorer.encode(texts_of(count=50), batch_size=np.int64(16))
    assert [rows for rows, _ in scorer.run.shapes] == [16, 16, 16, 2]
    lengths = [length for _, length in scorer.run.shapes]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("side", ["query", "passage"])
def test_a_side_has_its_prompt(side):
    scorer = make(query_prompt="怎么", passage_prompt="取")
    prompt = {"query": "怎么", "passage": "取"}[side]
    expected = [vector(prompt + text) for text in ("借款", "")]
    found = scorer.encode(["借款", ""], side=side)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_one_text_is_one_vector():
    scorer = make()
    found = scorer.encode("借款", batch_size=3, truncate_dim=4)
    np.testing.assert_allclose(found, vector("借款")[:4], rtol=1e-6)


@pytest.mark.parametrize(
    "form", [tuple, iter, np.array, lambda texts: (text for text in texts)]
)
def test_texts_may_come_in_any_form(form):
    texts = ["借款", "怎么", "借款"]
    found = make().encode(form(texts))
    np.testing.assert_allclose(found, list(map(vector, texts)), rtol=1e-6)


def test_no_texts_are_no_vectors():
    scorer = make()
    for options in ({}, {"batch_size": 2}):
        assert scorer.encode([], **options).shape == (0, SIZE)
    assert scorer.encode([], truncate_dim=3).shape == (0, 3)
    assert scorer.logits([]).shape == (0, 1)
    assert scorer.score([]).shape == (0,)
    assert scorer.rank("怎", []) == []
    assert scorer.run.shapes == []


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("dim", [1, 5, SIZE])
def test_the_first_dimensions_may_be_kept(normalize, dim):
    found = make(normalize=normalize).encode(PAIRS[0], truncate_dim=dim)
    expected = np.array([vector(text)[:dim] for text in PAIRS[0]])
    if normalize:
        expected /= np.sqrt((expected**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # Not a view that keeps all dimensions in memory.
    assert found.base is None or found.base.size == found.size


@pytest.mark.parametrize(
    ("texts", "options", "error", "message"),
    [
        (["a", None], {}, TypeError, "text 1 to be a string. Received: None"),
        (None, {}, TypeError, "`texts` must be a list, with a string in each"),
        (7, {}, TypeError, "Received: 7 of type int"),
        (["a", "b\ud800"], {}, ValueError, "text 1.*lone surrogate"),
        (["a"], {"side": "document"}, ValueError, "`side` must be one of"),
        (["a"], {"batch_size": 0}, ValueError, "`batch_size` .*batch_size=0"),
        ([], {"batch_size": True}, ValueError, "batch_size=True"),
        (["a"], {"truncate_dim": 0}, ValueError, "`truncate_dim` .*dim=0"),
        (
            ["a"],
            {"truncate_dim": SIZE + 1},
            ValueError,
            f"at most {SIZE}, the model's. Received: truncate_dim={SIZE + 1}",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused(texts, options, error, message):
    scorer = make()
    with pytest.raises(error, match=message):
        scorer.encode(texts, **options)
    assert scorer.run.shapes == []


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("form", [list, Pairs])
def test_logits_are_similarities(similarity, form):
    scorer = make(similarity=similarity)
    pairs = PAIRS
    if form is Pairs:
        pairs = Pairs(*map(list, zip(*PAIRS, strict=True)))
    found = scorer.logits(pairs)
    assert (found.shape, found.dtype) == ((4, 1), np.float32)
    expected = [DEFINITIONS[similarity](vector(a), vector(b)) for a, b in PAIRS]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(
        scorer.score(pairs), scorer.scoring.scores(found)
    )


def test_first_texts_are_queries_and_second_ones_passages():
    scorer = make(similarity="dot", query_prompt="怎", passage_prompt="取消")
    expected = [vector("怎" + a) @ vector("取消" + b) for a, b in PAIRS]
    np.testing.assert_allclose(scorer.logits(PAIRS)[:, 0], expected, rtol=1e-5)


def test_both_orders_of_a_pair_are_averaged():
    scorer = make(
        Scoring("sigmoid", symmetric=True),
        similarity="dot",
        query_prompt="怎",
        passage_prompt="取消",
    )
    expected = [
        (
            vector("怎" + a) @ vector("取消" + b)
            + vector("怎" + b) @ vector("取消" + a)
        )
        / 2
        for a, b in PAIRS
    ]
    logits = scorer.logits(PAIRS)
    np.testing.assert_allclose(logits[:, 0], expected, rtol=1e-5)
    turned = scorer.logits([(b, a) for a, b in PAIRS])
    np.testing.assert_array_equal(turned, logits)


@pytest.mark.parametrize("symmetric", [False, True])
def test_each_distinct_text_is_encoded_once(symmetric):
    scorer = make(Scoring("cosine", symmetric=symmetric))
    scorer.rank_many(["怎么", "取消"], [["取消", "怎么", "款"], ["款"]])
    assert sum(rows for rows, _ in scorer.run.shapes) == 3
    scorer = make(query_prompt="怎")
    scorer.score(PAIRS)  # three queries, three passages
    assert sum(rows for rows, _ in scorer.run.shapes) == 6


@pytest.mark.parametrize("prompt", ["", "怎"])
def test_ranking_puts_the_nearest_first(prompt):
    scorer = make(query_prompt=prompt)
    candidates = ["取消", "怎么借款", "借款", "如何还清", "借款"]
    ranked = scorer.rank("借款", candidates)
    cosines = [
        DEFINITIONS["cosine"](vector(prompt + "借款"), vector(text))
        for text in candidates
    ]
    order = np.argsort(-np.array(cosines), kind="stable")
    assert [place.index for place in ranked] == order.tolist()
    expected = [(1 + cosines[place]) / 2 for place in order]
    np.testing.assert_allclose([p.score for p in ranked], expected, rtol=1e-5)
    assert scorer.rank("借款", candidates, top_k=2) == ranked[:2]


def test_the_best_phrasing_of_an_answer_counts():
    candidates = ["取消", "怎么借款", "借款", "还清"]
    groups = ["a", "b", "b", "a"]
    ranked = make().rank("借款", candidates, groups=groups)
    assert [place.text for place in ranked][0] == "借款"
    assert len(ranked) == 2
    many = make().rank_many(
        ["借款", "还清"], [candidates, candidates[:2]], groups=[groups, [1, 1]]
    )
    assert many[0] == ranked
    assert len(many[1]) == 1


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([("a", "b"), ("a",)], ValueError, r"position 1: \('a',\)"),
        (["ab"], ValueError, "position 0: 'ab'"),
        ([("a", None)], TypeError, "second text of pair 0.*None"),
        ([("a\ud800", "b")], ValueError, "first text of pair 0.*surrogate"),
    ],
)
def test_what_is_no_pair_is_refused(pairs, error, message):
    scorer = make()
    with pytest.raises(error, match=message):
        scorer.score(pairs)
    assert scorer.run.shapes == []


def test_cut_texts_are_counted_once():
    scorer = make(length=8, query_prompt="怎怎怎")
    texts = [text(4), "么", "取", "消"]
    message = r"1 of 4 texts \(25.0%\) have more than `sequence_length` = 8"
    with pytest.warns(UserWarning, match=message):
        scorer.encode(texts, side="query")
    scorer.encode(texts, side="query")  # a warning would be an error


@pytest.mark.parametrize(
    ("seconds", "terminal", "shown"),
    [(1, True, True), (0.001, True, False), (1, False, False)],
)
def test_a_bar_is_shown_for_long_work_on_a_terminal(
    monkeypatch, seconds, terminal, shown
):
    clock = types.SimpleNamespace(now=0.0)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(tqdm.std, "time", lambda: clock.now)
    scorer = make(max_tokens=128)
    count = scorer.run

    def slow(features):
        clock.now += seconds
        return count(features)

    scorer.run = slow
    scorer.encode(texts_of())
    shows = ["encoding" in stream.getvalue(), "60/60" in stream.getvalue()]
    assert shows == [shown, shown]
