"""The report on ranked lists against its definitions."""

import json
import math

import numpy as np
import pytest

from semmatch._records import Ranked
from semmatch._records import Scoring
from semmatch.data import RankedLists
from semmatch.evaluation import evaluate_ranking
from semmatch.evaluation import ndcg_at


class ByName:
    """Scores a candidate by the number that is its text."""

    def __init__(self, threshold=0.5):
        self.scoring = Scoring("sigmoid", threshold=threshold)

    def rank_many(self, queries, candidates):
        ranked = []
        for texts in candidates:
            scores = np.array(texts, "float32")
            order = np.argsort(-scores, kind="stable")
            ranked.append(
                [Ranked(int(i), float(scores[i]), texts[i]) for i in order]
            )
        return ranked


def lists_of(*rows):
    """From dicts of scores, as strings, to labels."""
    return RankedLists(
        [f"query {number}" for number in range(len(rows))],
        [list(row) for row in rows],
        [list(row.values()) for row in rows],
    )


# In ranked order 1 0 0, then 0 2 1 0, and 0 0 with no relevant one.
LISTS = lists_of(
    {"0.3": 0, "0.9": 1, "0.2": 0},
    {"0.1": 0, "0.3": 1, "0.45": 0, "0.4": 2},
    {"0.7": 0, "0.6": 0},
)


def report_of(lists=LISTS, *, threshold=0.5, num_resamples=20, **options):
    model = ByName(threshold)
    return evaluate_ranking(
        model, lists, num_resamples=num_resamples, **options
    )


def test_figures_are_means_over_lists_with_a_relevant_candidate():
    report = report_of(ks=[1, 2, 3])
    orders = [[1, 0, 0], [0, 2, 1, 0]]
    assert report.num_lists == 3
    assert report.num_without_relevant == 1
    assert report.mrr == (1 + 1 / 2) / 2
    assert report.map == pytest.approx((1 + (1 / 2 + 2 / 3) / 2) / 2)
    assert report.recall == {1: 0.5, 2: (1 + 1 / 2) / 2, 3: 1}
    assert report.hit == {1: 0.5, 2: 1, 3: 1}
    for k, value in report.ndcg.items():
        assert value == np.mean([ndcg_at(order, k) for order in orders])


def test_the_figures_of_each_query_are_kept():
    report = report_of(threshold=0.45, ks=[1])
    assert report.queries == ["query 0", "query 1", "query 2"]
    assert report.depth is None
    nan = float("nan")
    expected = {
        "mrr": [1, 1 / 2, nan],
        "map": [1, (1 / 2 + 2 / 3) / 2, nan],
        "ndcg@1": [1, 0, nan],
        "recall@1": [1, 0, nan],
        "hit@1": [1, 0, nan],
        "answered": [1, 1, nan],
        "right_answers": [1, 0, nan],
        "false_answers": [nan, nan, 1],
    }
    assert set(report.per_query) == set(expected)
    for name, values in report.per_query.items():
        np.testing.assert_allclose(values, expected[name], err_msg=name)


def test_the_numbers_of_places_may_be_given():
    assert list(report_of().ndcg) == [1, 3, 5, 10]
    report = report_of(ks=[7, 2, 2])
    assert (
        list(report.ndcg) == list(report.recall) == list(report.hit) == [2, 7]
    )


@pytest.mark.parametrize(
    ("threshold", "answered", "right", "false"),
    [
        # The first candidates have 0.9 (right), 0.45 (wrong), 0.7 (neither).
        (0.95, 0, 0, 0),
        (0.8, 1 / 2, 1 / 2, 0),
        (0.7, 1 / 2, 1 / 2, 1),
        (0.45, 1, 1 / 2, 1),
    ],
)
def test_answers_are_counted_from_the_threshold_on(
    threshold, answered, right, false
):
    # 0.7 and 0.45 are no float32 numbers: a score of that name reaches them.
    report = report_of(threshold=threshold)
    assert report.threshold == threshold
    assert report.answered == answered
    assert report.right_answers == right
    assert report.false_answers == false


def test_without_lists_to_refuse_there_are_no_false_answers():
    report = report_of(lists_of({"0.9": 1}, {"0.8": 0, "0.1": 1}))
    assert report.num_without_relevant == 0
    assert report.false_answers is None
    assert "false_answers" not in report.intervals
    assert "false answers" not in str(report)


def test_lists_to_refuse_alone_have_false_answers_alone():
    report = report_of(lists_of({"0.9": 0}, {"0.1": 0}, {"0.8": 0}, {}))
    assert report.num_lists == report.num_without_relevant == 4
    # A query without candidates cannot be answered.
    assert report.false_answers == 2 / 4
    for name in ("mrr", "map", "ndcg", "recall", "hit", "answered"):
        assert getattr(report, name) is None, name
    assert report.right_answers is None
    assert set(report.intervals) == {"false_answers"}
    assert "MRR" not in str(report)


def test_equal_candidates_do_not_profit_from_the_order_of_the_file():
    lists = RankedLists(["q"] * 400, [["0.5"] * 4] * 400, [[1, 0, 0, 0]] * 400)
    report = report_of(lists)
    assert report.mrr == pytest.approx(
        (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, abs=0.05
    )
    assert report_of(lists).mrr == report.mrr
    assert report_of(lists, seed=1).mrr != report.mrr


def test_labels_follow_their_candidates():
    scores = np.random.default_rng(0).permutation(30) / 100
    labels = (scores == scores.max()).astype("int64")
    row = dict(zip(map(str, scores.tolist()), labels.tolist(), strict=True))
    assert report_of(lists_of(row)).mrr == 1


def test_the_intervals_are_those_of_means_over_lists():
    random = np.random.default_rng(0)
    rows = [{"0.9": int(hit), "0.1": 1} for hit in random.integers(0, 2, 400)]
    rows += [{f"{score:.8f}": 0} for score in random.random(300)]
    report = report_of(lists_of(*rows), num_resamples=1000)
    assert len(report.intervals) == 2 + 3 * 4 + 3
    for share, total, name in [
        (report.hit[1], 400, "hit@1"),
        (report.right_answers, 400, "right_answers"),
        (report.false_answers, 300, "false_answers"),
    ]:
        half = 1.96 * math.sqrt(share * (1 - share) / total)
        low, high = report.intervals[name]
        assert low == pytest.approx(share - half, abs=0.01)
        assert high == pytest.approx(share + half, abs=0.01)
    assert report.intervals["answered"] == (1, 1)


def test_the_seed_fixes_the_intervals_and_their_number_counts():
    random = np.random.default_rng(0)
    lists = lists_of(
        *(
            {f"{x:.8f}": y for y, x in enumerate(random.random(9))}
            for _ in range(20)
        )
    )
    first = report_of(lists).intervals
    assert report_of(lists).intervals == first
    assert report_of(lists, seed=1).intervals != first
    assert report_of(lists, num_resamples=21).intervals != first
    low, high = report_of(lists, num_resamples=1).intervals["mrr"]
    assert low == high


def test_the_text_shows_every_figure():
    report = report_of(ks=[1, 10])
    text = str(report)
    assert text.startswith("3 lists, 1 of them without a relevant candidate\n")
    assert text.endswith("\nanswered if score >= 0.5")
    rows = {line[:13].strip(): line[13:].split() for line in text.splitlines()}
    low, high = report.intervals["ndcg@10"]
    expected = [f"{report.ndcg[10]:.4f}", f"{low:.4f}", "to", f"{high:.4f}"]
    assert rows["nDCG@10"] == expected
    for title, value in [
        ("MRR", report.mrr),
        ("MAP", report.map),
        ("recall@1", report.recall[1]),
        ("hit@10", report.hit[10]),
        ("answered", report.answered),
        ("right answers", report.right_answers),
        ("false answers", report.false_answers),
    ]:
        assert rows[title][0] == f"{value:.4f}"


def test_the_dictionary_is_json_and_complete():
    for lists in (LISTS, lists_of({"0.9": 0})):
        report = report_of(lists)
        values = report.to_dict()
        assert json.loads(json.dumps(values)) == values
        assert set(values) == set(vars(report)) - {"queries", "per_query"}
    assert report_of().to_dict()["ndcg"]["10"] == report_of().ndcg[10]
    interval = list(report_of().intervals["mrr"])
    assert report_of().to_dict()["intervals"]["mrr"] == interval


@pytest.mark.parametrize(
    ("lists", "options", "message"),
    [
        (lists_of(), {}, "lists with candidates. Received: RankedLists"),
        (lists_of({}, {}), {}, r"Received: RankedLists\(2 queries, 0 cand"),
        (lists_of({"0.1": 1}, {"0.1": -1}), {}, "Received: -1 for query 1"),
        (LISTS, {"ks": []}, "`ks` must hold at least one number"),
        (LISTS, {"ks": [0, 1]}, "`ks` must be an integer of at least 1"),
        (LISTS, {"num_resamples": 0}, "`num_resamples` must be an integer"),
    ],
)
def test_an_evaluation_refuses(lists, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate_ranking(ByName(), lists, **options)


def test_a_model_that_leaves_candidates_out_is_refused():
    class FirstAlone(ByName):
        def rank_many(self, queries, candidates):
            ranked = super().rank_many(queries, candidates)
            return [places[:1] for places in ranked]

    message = "each candidate once. Received for query 0: 1 places for 3"
    with pytest.raises(ValueError, match=message):
        evaluate_ranking(FirstAlone(), LISTS)
