"""Batching, order and refusals, around a function that counts tokens."""

import io
import sys
import types

import numpy as np
import pytest
import tqdm.std

from semmatch import Pairs
from semmatch import Scoring
from semmatch.serving import PairScorer
from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer

LETTERS = "怎么取消借款如何还清"


class CountTokens:
    """The logit of a pair is its number of tokens, whatever the batch."""

    def __init__(self):
        self.shapes = []

    def __call__(self, features):
        self.shapes.append(features["token_ids"].shape)
        return features["padding_mask"].sum(axis=1, keepdims=True)


@pytest.fixture
def scorer():
    packer = Packer(Tokenizer.train(list(LETTERS)), 128)
    return PairScorer(packer, CountTokens(), Scoring("sigmoid", 20.0, -1.0))


def text(length):
    return (LETTERS * 20)[:length]


def pairs_of(seed=0, count=60):
    lengths = np.random.default_rng(seed).integers(0, 60, (count, 2))
    return [(text(a), text(b)) for a, b in lengths]


def tokens(pairs):
    """A token a character, [CLS] and twice [SEP]."""
    return np.array([len(a) + len(b) + 3 for a, b in pairs])


@pytest.mark.parametrize("max_tokens", [1, 200, 4096])
def test_logits_come_in_the_order_given(scorer, max_tokens):
    scorer.max_tokens = max_tokens
    logits = scorer.logits(pairs_of())
    assert logits.dtype == np.float32
    assert logits.shape == (60, 1)
    assert logits[:, 0].tolist() == tokens(pairs_of()).tolist()


@pytest.mark.parametrize("max_tokens", [200, 1000, 4096])
def test_a_batch_keeps_the_budget_padding_included(scorer, max_tokens):
    scorer = PairScorer(
        scorer.packer, scorer.run, scorer.scoring, max_tokens=max_tokens
    )
    scorer.score(pairs_of(count=400))
    sizes = [rows * length for rows, length in scorer.run.shapes]
    assert max(sizes) <= max_tokens
    different = set(pairs_of(count=400))
    assert sum(rows for rows, _ in scorer.run.shapes) == len(different)
    # No half-empty batches, but for the last.
    assert min(sizes[:-1], default=max_tokens) > max_tokens - 128


def test_the_default_budget_splits_long_work(scorer):
    scorer.score(pairs_of(count=400))
    assert 2048 / 2 < max(r * c for r, c in scorer.run.shapes) <= 2048


def test_each_distinct_text_is_tokenised_once(scorer, monkeypatch):
    seen = []
    tokenizer = scorer.packer.tokenizer
    tokenize = tokenizer.tokenize

    def recording(texts):
        seen.extend(texts)
        return tokenize(texts)

    monkeypatch.setattr(tokenizer, "tokenize", recording)
    scorer.rank_many(["怎么", "取消"], [["取消", "怎么", "款"], ["款"]])
    assert sorted(seen) == sorted(["怎么", "取消", "款"])


@pytest.mark.parametrize("long", ["truncate", "max"])
def test_equal_pairs_are_computed_once_and_stay_equal(long):
    class AlsoOfTheBatch(CountTokens):
        """As where padding reaches the last bits of a logit."""

        def __call__(self, features):
            rows, length = features["token_ids"].shape
            return super().__call__(features) + 1e-3 * rows + 1e-4 * length

    packer = Packer(Tokenizer.train(list(LETTERS)), 128)
    scoring = Scoring("sigmoid", 20.0, long=long)
    scorer = PairScorer(packer, AlsoOfTheBatch(), scoring, max_tokens=100)
    texts = [text(length) for length in (20, 5, 9, 20, 5, 30, 5, 20)]
    ranked = scorer.rank("怎", texts)
    assert [place.index for place in ranked] == [5, 0, 3, 7, 2, 1, 4, 6]
    assert sum(rows for rows, _ in scorer.run.shapes) == 4


def test_scores_are_those_of_the_scoring(scorer):
    scores = scorer.score([("怎么", "取消借"), ("", "")])
    expected = 1 / (1 + np.exp(-(np.array([8, 3]) / 20 - 1)))
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "form",
    [
        tuple,
        iter,
        lambda pairs: (pair for pair in pairs),
        lambda pairs: [list(pair) for pair in pairs],
        lambda pairs: np.array(pairs),
        lambda pairs: np.array(pairs, dtype=object),
        lambda pairs: zip(*zip(*pairs, strict=True), strict=True),
        lambda pairs: Pairs(*zip(*pairs, strict=True)),
    ],
)
def test_pairs_may_come_in_any_form(scorer, form):
    pairs = [("怎么", "取消借"), ("如何", ""), ("如何", "还清")]
    expected = scorer.scoring.scores(tokens(pairs)[:, None])
    np.testing.assert_allclose(scorer.score(form(pairs)), expected)


@pytest.mark.parametrize("form", [list, tuple, np.array, iter])
def test_candidates_may_come_in_any_form(scorer, form):
    texts = ["怎么", "取消借", "如"]
    ranked = scorer.rank("还", form(texts))
    assert [place.text for place in ranked] == ["取消借", "怎么", "如"]
    [again] = scorer.rank_many(form(["还"]), iter([form(texts)]))
    assert again == ranked


def test_ranking_puts_the_best_first_and_equals_score(scorer):
    texts = ["怎么", "取消借", "", "如何还"]
    ranked = scorer.rank("还", texts)
    assert [place.index for place in ranked] == [1, 3, 0, 2]
    assert [place.text for place in ranked] == [texts[i] for i in (1, 3, 0, 2)]
    scores = scorer.score([("还", place.text) for place in ranked])
    assert [place.score for place in ranked] == scores.tolist()
    assert type(ranked[0].index) is int
    assert type(ranked[0].score) is float


def test_saturated_scores_are_still_ranked(scorer):
    scorer.scoring = Scoring("sigmoid", temperature=1e-3)
    ranked = scorer.rank("还", ["怎", "取消借", "如何"])
    assert [place.score for place in ranked] == [1, 1, 1]
    assert [place.index for place in ranked] == [1, 2, 0]


def test_equal_candidates_stay_in_their_order(scorer):
    # Many, since NumPy sorts few rows in a stable way in any case.
    ranked = scorer.rank("还", ["借", "怎么"] * 100)
    expected = [*range(1, 200, 2), *range(0, 200, 2)]
    assert [place.index for place in ranked] == expected


@pytest.mark.parametrize(
    ("top_k", "count"), [(1, 1), (2, 2), (9, 3), (None, 3), (np.int64(2), 2)]
)
def test_top_k_keeps_the_first(scorer, top_k, count):
    texts = ["怎么", "取消借", "如"]
    everything = scorer.rank("还", texts)
    assert scorer.rank("还", texts, top_k) == everything[:count]
    many = scorer.rank_many(["还", "借"], [texts, texts[:1]], top_k=top_k)
    assert [len(ranked) for ranked in many] == [count, 1]


def test_each_query_ranks_its_own_candidates(scorer):
    lists = [["怎么", "取消借"], [], ["如何"], ["款", "", "清清"]]
    queries = ["还", "借", "", "怎"]
    many = scorer.rank_many(queries, lists)
    alone = [scorer.rank(*pair) for pair in zip(queries, lists, strict=True)]
    assert many == alone
    assert [[p.index for p in one] for one in many] == [
        [1, 0],
        [],
        [0],
        [2, 0, 1],
    ]


def test_nothing_to_score_is_an_empty_answer(scorer):
    assert scorer.score([]).shape == (0,)
    assert scorer.score([]).dtype == np.float32
    assert scorer.score(iter([])).shape == (0,)
    assert scorer.rank("还", []) == []
    assert scorer.rank_many([], []) == []
    assert scorer.rank_many(["还", "借"], [[], []]) == [[], []]
    assert scorer.run.shapes == []


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([("a", "b"), ("a",)], ValueError, r"position 1: \('a',\)"),
        ([("a", "b", "c")], ValueError, "hold two strings in each place"),
        (["ab"], ValueError, "position 0: 'ab'"),
        ("ab", ValueError, "position 0: 'a'"),
        (None, TypeError, "`pairs` must be a list.*None of type NoneType"),
        (("a", "b"), ValueError, "position 0: 'a'"),
        ([None], ValueError, "position 0: None"),
        ([{"a", "b"}], ValueError, "position 0: {'"),
        ([("a", "b"), ("a", None)], TypeError, "second text of pair 1.*None"),
        ([(None, "b")], TypeError, "first text of pair 0 to be a string.*None"),
        ([("a", float("nan"))], TypeError, "nan of type float.*Drop missing"),
        ([("a", b"b")], TypeError, "b'b' of type bytes"),
        ([("a", "b\ud800")], ValueError, "second text of pair 0.*surrogate"),
    ],
)
def test_what_is_no_pair_is_refused(scorer, pairs, error, message):
    with pytest.raises(error, match=message):
        scorer.score(pairs)
    assert scorer.run.shapes == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("q", ["a", None]), TypeError, "candidate 1 of query 0 .*None"),
        (("q", ["a", 1.5]), TypeError, "1.5 of type float"),
        (("q", "ab"), TypeError, "must be a list of strings.*'ab'"),
        (("q", None), TypeError, "must be a list of strings.*None"),
        (("q", ["a\udfff"]), ValueError, "candidate 0.*surrogate.*index 1"),
        ((None, ["a"]), TypeError, "query 0 to be a string.*None"),
        ((["q"], ["a"]), TypeError, r"query 0 to be a string.*\['q'\]"),
        (("\ud800", ["a"]), ValueError, "query 0.*lone surrogate"),
        (("q", ["a"], 0), ValueError, "`top_k` must be .* 1.*top_k=0"),
        (("q", ["a"], True), ValueError, "top_k=True"),
        (("q", ["a"], -1), ValueError, "top_k=-1"),
        (("q", ["a"], "3"), ValueError, "top_k='3'"),
        (("q", ["a"], 2.0), ValueError, "top_k=2.0"),
        (("q", [], 0), ValueError, "top_k=0"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scorer, arguments, error, message):
    with pytest.raises(error, match=message):
        scorer.rank(*arguments)
    assert scorer.run.shapes == []


@pytest.mark.parametrize(
    ("queries", "candidates", "error", "message"),
    [
        (["q", "r"], [["a"]], ValueError, "2 queries and 1 lists"),
        (["q"], [["a"], ["b"]], ValueError, "1 queries and 2 lists"),
        ("q", [["a"]], TypeError, "queries='q' and .*For one query use"),
        (["q"], "a", TypeError, "candidates='a'"),
        (["q"], ["a"], TypeError, "Received: 'a' for query 0"),
        (["q"], [5], TypeError, "Received: 5 for query 0"),
        (None, [["a"]], TypeError, "`queries` must be a list.*None of type"),
        (["q"], None, TypeError, "`candidates` must be a list.*None of type"),
        (["q", "r"], [["a"], [1]], TypeError, "candidate 0 of query 1"),
    ],
)
def test_lists_that_do_not_belong_together_are_refused(
    scorer, queries, candidates, error, message
):
    with pytest.raises(error, match=message):
        scorer.rank_many(queries, candidates)
    assert scorer.run.shapes == []


@pytest.mark.parametrize(
    ("seconds", "terminal", "shown"),
    [(1, True, True), (0.001, True, False), (1, False, False)],
)
def test_a_bar_is_shown_for_long_work_on_a_terminal(
    scorer, monkeypatch, seconds, terminal, shown
):
    clock = types.SimpleNamespace(now=0.0)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(tqdm.std, "time", lambda: clock.now)

    def slow(features):
        clock.now += seconds
        return CountTokens()(features)

    scorer = PairScorer(scorer.packer, slow, scorer.scoring, max_tokens=128)
    scorer.score(pairs_of())
    assert ("scoring" in stream.getvalue()) == shown
    count = len(set(pairs_of()))
    assert (f"{count}/{count}" in stream.getvalue()) == shown


class FirstToken:
    """The logit is the id of the first token of the second text."""

    def __call__(self, features):
        second = features["segment_ids"].argmax(axis=1)
        rows = np.arange(len(second))
        return features["token_ids"][rows, second][:, None].astype("float32")


def first_token_scorer(length=128, **scoring):
    packer = Packer(Tokenizer.train(list(LETTERS)), length)
    return PairScorer(packer, FirstToken(), Scoring("sigmoid", **scoring))


def ids(text):
    return Tokenizer.train(list(LETTERS)).tokenize([text])[0]


def test_both_orders_of_a_pair_are_averaged():
    pairs = [("怎么", "取消"), ("借", "款如何还清"), ("还", "还")]
    one_order = first_token_scorer().logits(pairs)[:, 0]
    assert one_order.tolist() == [ids(b)[0] for _, b in pairs]
    scorer = first_token_scorer(symmetric=True)
    logits = scorer.logits(pairs)[:, 0]
    assert logits.tolist() == [(ids(a)[0] + ids(b)[0]) / 2 for a, b in pairs]
    turned = scorer.logits([(b, a) for a, b in pairs])[:, 0]
    np.testing.assert_array_equal(logits, turned)


def test_a_long_text_counts_by_its_best_window():
    # Three special tokens, one of the query: 4 of the second text at a time.
    query, passage = "怎", "取消借款如何还清么"
    scorer = first_token_scorer(8, long="max")
    windows = [passage[start : start + 4] for start in (0, 2, 4, 5)]
    best = max(ids(window)[0] for window in windows)
    assert best != ids(passage)[0]
    pairs = [(query, passage), (query, "款"), (query, passage[::-1])]
    logits = scorer.logits(pairs)[:, 0]
    assert logits[0] == best
    assert logits[1] == ids("款")[0]
    scores = scorer.score(pairs)
    np.testing.assert_array_equal(
        scores, scorer.scoring.scores(logits[:, None])
    )


@pytest.mark.filterwarnings("ignore:.* pairs .* have more than")
@pytest.mark.parametrize("truncation", ["longest_first", "only_second"])
@pytest.mark.parametrize("long", ["truncate", "max"])
def test_both_orders_are_of_the_same_tokens(truncation, long):
    seen = []

    def run(features):
        rows = zip(
            features["token_ids"].tolist(),
            features["segment_ids"].tolist(),
            features["padding_mask"].tolist(),
            strict=True,
        )
        for tokens, segments, mask in rows:
            real = [
                (token, segment)
                for token, segment, one in zip(
                    tokens, segments, mask, strict=True
                )
                if one and token > 4  # no special one
            ]
            seen.append(
                tuple(
                    tuple(token for token, segment in real if segment == place)
                    for place in (0, 1)
                )
            )
        return np.zeros((len(features["token_ids"]), 1), "float32")

    tokenizer = Tokenizer.train(list(LETTERS))
    packer = Packer(tokenizer, 8, truncation=truncation)
    scoring = Scoring("sigmoid", symmetric=True, long=long)
    PairScorer(packer, run, scoring).score([("怎么", text(9))])
    half = len(seen) // 2
    assert [(b, a) for a, b in seen[:half]] == seen[half:]
    assert all(a and b for a, b in seen)
    assert half == (1 if long == "truncate" else 7)


def test_no_pairs_have_no_windows():
    assert first_token_scorer(8, long="max").logits([]).shape == (0, 1)


def test_windows_need_an_order_of_scores():
    packer = Packer(Tokenizer.train(list(LETTERS)), 8)
    scoring = Scoring("softmax", long="max")
    scorer = PairScorer(
        packer,
        lambda features: np.zeros((len(features["token_ids"]), 3)),
        scoring,
        num_classes=3,
    )
    with pytest.raises(ValueError, match="a model of 3 classes"):
        scorer.score([("怎", text(20))])


def test_cut_pairs_are_counted_once():
    scorer = first_token_scorer(8)
    pairs = [("怎", text(20)), ("怎", "么"), ("怎", "么"), ("怎", "么")]
    message = r"1 of 4 pairs \(25.0%\) have more than `sequence_length` = 8"
    with pytest.warns(UserWarning, match=message):
        scorer.score(pairs)
    scorer.score(pairs)  # a warning would be an error


def test_the_best_phrasing_of_an_answer_counts(scorer):
    candidates = [text(length) for length in (3, 9, 5, 7, 1)]
    groups = ["a", "b", "a", "b", "c"]
    ranked = scorer.rank("怎", candidates, groups=groups)
    assert [place.index for place in ranked] == [1, 2, 4]
    top = scorer.rank("怎", candidates, top_k=2, groups=groups)
    assert [place.index for place in top] == [1, 2]
    many = scorer.rank_many(
        ["怎", "么"], [candidates, candidates[:2]], groups=[groups, [1, 1]]
    )
    assert [[p.index for p in places] for places in many] == [[1, 2, 4], [1]]


def test_groups_may_come_in_any_form(scorer):
    ranked = scorer.rank("怎", ["取", "消"], groups=iter([1, 1]))
    assert len(ranked) == 1


@pytest.mark.parametrize("groups", [5, "xy", [["a"], ["b"]]])
def test_groups_that_are_none_are_refused(scorer, groups):
    with pytest.raises(TypeError, match="`groups` must be a list.* Received"):
        scorer.rank("怎", ["取", "消"], groups=groups)


def test_groups_name_the_answer_of_each_candidate(scorer):
    with pytest.raises(ValueError, match="`groups` must name.*2.*3"):
        scorer.rank("怎", ["取", "消", "借"], groups=["a", "b"])


def test_ranked_candidates_say_their_band(scorer):
    candidates = [text(length) for length in (60, 20, 1)]
    scores = [place.score for place in scorer.rank("怎", candidates)]
    assert scores == sorted(scores, reverse=True)
    scorer.scoring = scorer.scoring.replace(
        threshold=scores[0], suggest_threshold=scores[1]
    )
    bands = [place.band for place in scorer.rank("怎", candidates)]
    assert bands == ["match", "suggest", "none"]
