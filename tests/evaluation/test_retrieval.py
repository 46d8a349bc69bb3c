"""The report on a search against its definitions and its peer."""

import math
from typing import NamedTuple

import numpy as np
import pytest

from semmatch._records import Embedding
from semmatch._records import Scoring
from semmatch.evaluation import compare_rankings
from semmatch.evaluation import evaluate_retrieval
from semmatch.serving import CharacterOverlap
from semmatch.serving import FAQIndex
from semmatch.serving import RetrieveRerank


class Result(NamedTuple):
    id: object
    score: float = 0.5


class Fixed:
    """A search that finds these ids, whatever the queries."""

    def __init__(self, *found):
        self.found = found
        self.asked = []

    def search_many(self, queries, top_k):
        self.asked.append((list(queries), top_k))
        return [
            [
                result if isinstance(result, Result) else Result(result)
                for result in ids
            ]
            for ids in self.found
        ]


QUERIES = ["怎么还款", "怎么开户", "怎么销户"]


def report_of(searcher, relevant, *, num_resamples=20, **options):
    queries = QUERIES[: len(relevant)]
    return evaluate_retrieval(
        searcher, queries, relevant, num_resamples=num_resamples, **options
    )


def test_figures_of_a_search_by_hand():
    searcher = Fixed("abc", "dac", "bce")
    # Of the first query one of two is found, second; of the second both are,
    # first and third; of the last nothing.
    relevant = [{"b", "z"}, ["d", "c"], ("a",)]
    report = report_of(searcher, relevant, ks=[1, 3])
    assert searcher.asked == [(QUERIES, 3)]
    assert report.depth == 3
    assert (report.num_lists, report.num_without_relevant) == (3, 0)
    assert report.mrr == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert report.map == pytest.approx(((1 / 2) / 2 + (1 + 2 / 3) / 2) / 3)
    assert report.recall == pytest.approx({1: (1 / 2) / 3, 3: (1 / 2 + 1) / 3})
    assert report.hit == pytest.approx({1: 1 / 3, 3: 2 / 3})
    best = 1 + 1 / math.log2(3)
    first, second = (1 / math.log2(3)) / best, (1 + 1 / 2) / best
    assert report.ndcg == pytest.approx({1: 1 / 3, 3: (first + second) / 3})
    assert report.per_query["mrr"].tolist() == [1 / 2, 1, 0]
    for name in ("threshold", "answered", "right_answers", "false_answers"):
        assert getattr(report, name) is None
    assert "answered" not in str(report)
    assert str(report).startswith(
        "3 lists, 0 of them without a relevant candidate; 3 candidates searched"
    )


def test_grades_count_for_ndcg_alone():
    graded = report_of(Fixed([7, 8]), [{7: 1, 9: 3, 8: 0}], ks=[2])
    best = 7 + 1 / math.log2(3)
    assert graded.ndcg[2] == pytest.approx(1 / best)
    plain = report_of(Fixed([7, 8]), [{7, 9}], ks=[2])
    assert plain.ndcg[2] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    for name in ("mrr", "map", "recall", "hit"):
        assert getattr(graded, name) == getattr(plain, name), name


def test_results_beyond_the_depth_are_not_seen():
    deep = report_of(Fixed("xyzab"), [["a", "b"]], ks=[3])
    assert deep.mrr == 0
    report = report_of(Fixed("xya"), [["a"]], ks=[2])  # more than asked for
    assert (report.mrr, report.depth) == (0, 2)
    # And an index may hold fewer.
    assert report_of(Fixed(["a"]), [["a"]], ks=[10]).recall[10] == 1


def test_queries_without_anything_relevant_are_left_out_or_refused():
    searcher = Fixed([Result("a", 0.7)], [Result("a", 0.69)], [])
    relevant = [{"a"}, {}, {"b": 0}]
    report = report_of(searcher, relevant, ks=[1])
    assert report.num_without_relevant == 2
    assert report.mrr == 1
    assert report.false_answers is None
    assert np.isnan(report.per_query["mrr"][1:]).all()
    # 0.7 is no float32 number: a score of that name reaches it.
    answers = report_of(searcher, relevant, ks=[1], threshold=0.7)
    assert (answers.threshold, answers.answered) == (0.7, 1)
    assert (answers.right_answers, answers.false_answers) == (1, 0)
    answers = report_of(searcher, relevant, ks=[1], threshold=0.69)
    assert answers.false_answers == 1 / 2
    alone = report_of(Fixed("a"), [[]], ks=[1], threshold=0.5)
    assert (alone.mrr, alone.false_answers) == (None, 1)
    wrong = report_of(searcher, [{"z"}, {"z"}, {"z"}], threshold=0.695)
    assert (wrong.answered, wrong.right_answers) == (pytest.approx(1 / 3), 0)


def test_ids_are_what_compares_equal():
    report = report_of(Fixed(np.array([3, 5])), [{5}], ks=[2])
    assert report.mrr == 1 / 2


def test_two_searches_are_compared():
    relevant = [{"a"}, {"b"}, {"c"}]
    reports = [
        report_of(Fixed(*found), relevant, ks=[1, 2])
        for found in (("ax", "bx", "xc"), ("xa", "bx", "xy"))
    ]
    found = compare_rankings(*reports, num_resamples=20)
    assert found.figures["hit@1"].difference == pytest.approx(2 / 3 - 1 / 3)
    assert found.figures["mrr"].b == pytest.approx((1 / 2 + 1) / 3)
    other = report_of(Fixed("a", "b", "c"), relevant, ks=[1])
    with pytest.raises(ValueError, match="Received: depth=2 and 1"):
        compare_rankings(reports[0], other)


def test_the_seed_fixes_the_intervals():
    random = np.random.default_rng(0)
    found = [random.permutation(9).tolist() for _ in range(30)]

    def intervals(**options):
        report = evaluate_retrieval(
            Fixed(*found), map(str, range(30)), [[0]] * 30, **options
        )
        return report.intervals

    first = intervals(num_resamples=50)
    assert intervals(num_resamples=50) == first
    assert intervals(num_resamples=50, seed=1) != first
    assert intervals(num_resamples=51) != first


class CountCharacters:
    """An encoder whose vectors tell which of these characters a text has."""

    embedding = Embedding(8)
    scoring = Scoring("cosine", threshold=0.9)

    def encode(self, texts, side):
        return [
            [text.count(char) for char in "还款贷开户销卡怎"] for text in texts
        ]


def test_an_faq_is_searched_in_one_stage_and_in_two():
    answers = {
        "repay": ["还款", "还贷"],
        "open": ["开户"],
        "close": ["销户", "销卡"],
    }
    index = FAQIndex(CountCharacters())
    both = RetrieveRerank(CountCharacters(), CharacterOverlap(), 5)
    for searcher in (index, both):
        searcher.add_many(answers)
        report = evaluate_retrieval(
            searcher,
            ["怎还款", "开卡", "怎销卡"],
            [{"repay"}, {"open"}, {"close", "lost"}],
            ks=[1, 3],
            num_resamples=5,
        )
        # A card to be opened is as near to a card to be cancelled.
        assert report.per_query["mrr"][[0, 2]].tolist() == [1, 1]
        assert report.recall[3] == pytest.approx((1 + 1 + 1 / 2) / 3)
        answered = evaluate_retrieval(
            searcher, ["怎还款"], [{}], ks=[1], threshold=0.75, num_resamples=5
        )
        assert answered.false_answers == 1


@pytest.mark.parametrize(
    ("relevant", "error", "message"),
    [
        (["ab"], TypeError, "Received for query 0: 'ab'. Put a single id"),
        ([["a"], 7], TypeError, "Received for query 1: 7"),
        ([{"a": -1}], ValueError, "Received for query 0: -1 of id 'a'"),
        ([{"a": math.nan}], ValueError, "at least 0. Received.*nan of id 'a'"),
        ([{"a": "2"}], ValueError, "Received for query 0: '2' of id 'a'"),
        ([], ValueError, "Received: 0 queries and 0 such"),
        ([[], {"a": 0}], ValueError, "to one query at least. Received: 2 qu"),
    ],
)
def test_what_is_relevant_is_checked_before_the_search(
    relevant, error, message
):
    with pytest.raises(error, match=message):
        report_of(None, relevant)


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (["aba"], {}, r"each id once. Received for query 0: \['a', 'b', 'a'\]"),
        (["a", "b"], {}, "Received: 2 lists for 1 queries"),
        (["a"], {"ks": []}, "`ks` must hold at least one"),
        (["a"], {"num_resamples": 0}, "`num_resamples` must be"),
    ],
)
def test_an_evaluation_refuses(found, options, message):
    with pytest.raises(ValueError, match=message):
        report_of(Fixed(*found), [["a"]], **options)


def test_as_many_relevant_as_queries():
    with pytest.raises(ValueError, match="Received: 2 queries and 1 such"):
        evaluate_retrieval(None, ["a", "b"], [["a"]])


PEER = """
import json, sys
from sentence_transformers.sentence_transformer.evaluation import (
    InformationRetrievalEvaluator,
)
found, relevant, ks = json.load(sys.stdin)
evaluator = InformationRetrievalEvaluator(
    queries={str(n): "q" for n in range(len(found))},
    corpus={str(n): "text" for n in range(30)},
    relevant_docs={str(n): set(own) for n, own in enumerate(relevant)},
    accuracy_at_k=ks, precision_recall_at_k=ks, ndcg_at_k=ks,
    mrr_at_k=[ks[-1]], map_at_k=[ks[-1]],
)
results = [
    [{"corpus_id": id_, "score": -place} for place, id_ in enumerate(ids)]
    for ids in found
]
print(json.dumps(evaluator.compute_metrics(results)))
"""


def test_figures_are_those_of_sentence_transformers(peer):
    random = np.random.default_rng(0)
    found = [
        random.permutation(30)[:10].astype(str).tolist() for _ in range(40)
    ]
    relevant = [
        random.permutation(30)[: random.integers(1, 6)].astype(str).tolist()
        for _ in range(40)
    ]
    theirs = peer(PEER, "", [found, relevant, [1, 3, 10]])
    ours = evaluate_retrieval(
        Fixed(*found), map(str, range(40)), relevant, ks=[1, 3, 10]
    )
    assert ours.mrr == pytest.approx(theirs["mrr@k"]["10"])
    # Of at most ten relevant ones its divisor is ours.
    assert ours.map == pytest.approx(theirs["map@k"]["10"])
    for k in (1, 3, 10):
        assert ours.hit[k] == pytest.approx(theirs["accuracy@k"][str(k)])
        assert ours.recall[k] == pytest.approx(theirs["recall@k"][str(k)])
        assert ours.ndcg[k] == pytest.approx(theirs["ndcg@k"][str(k)])


def test_a_threshold_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="`threshold` must be .*threshold=nan"):
        evaluate_retrieval(Fixed(["a"]), ["q"], [["a"]], threshold=math.nan)
