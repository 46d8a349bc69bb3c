"""Calls are timed as they are made, on a clock that the tests wind."""

import platform
import threading
import types

import numpy as np
import pytest

from semmatch import Matcher
from semmatch.serving import latency
from semmatch.serving import measure_latency
from tests.serving.graphs import config
from tests.serving.graphs import write_deploy

FIRST_CALLS = 3


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("deploy")
    prompts = {"query_prompt": "如何", "passage_prompt": "取消"}
    return {
        "cross": write_deploy(root / "cross", config()),
        "bi": write_deploy(
            root / "bi", config("bi_encoder", width=2, **prompts)
        ),
    }


@pytest.fixture(params=["cross", "bi"])
def matcher(request, folders):
    return Matcher(folders[request.param], num_threads=1)


@pytest.fixture
def recorded(matcher, monkeypatch):
    """Run number n of the graph takes n ms, and packing before it 5 ms."""
    record = types.SimpleNamespace(features=[], seconds=0.0, before=5)
    scorer = matcher.pair_scorer()
    run, pack = scorer.run, matcher.packer.pack_ids

    def slow_run(features):
        record.features.append(features)
        record.seconds += len(record.features) / 1000
        return run(features)

    def slow_pack(*ids):
        record.seconds += record.before / 1000
        return pack(*ids)

    clock = types.SimpleNamespace(perf_counter=lambda: record.seconds)
    monkeypatch.setattr(latency, "time", clock)
    monkeypatch.setattr(scorer, "run", slow_run)
    monkeypatch.setattr(matcher.packer, "pack_ids", slow_pack)
    return record


def test_times_are_percentiles_of_the_calls_that_count(matcher, recorded):
    report = measure_latency(matcher, batch_sizes=[4], lengths=[16], repeats=50)
    [found] = report.latencies
    graph = np.arange(1, 51) + FIRST_CALLS  # ms
    whole = graph + recorded.before
    expected = np.percentile(graph, [50, 95, 99])
    figures = [found.graph_p50, found.graph_p95, found.graph_p99]
    np.testing.assert_allclose(figures, expected, rtol=1e-6)
    expected = np.percentile(whole, [50, 95, 99])
    figures = [found.p50, found.p95, found.p99]
    np.testing.assert_allclose(figures, expected, rtol=1e-6)
    expected = 4 * 50 / (whole.sum() / 1000)
    assert found.per_second == pytest.approx(expected)
    assert len(recorded.features) == FIRST_CALLS + 50


def test_a_call_of_several_batches_adds_them_up(matcher, recorded):
    matcher.pair_scorer().at_once.max_tokens = 64
    report = measure_latency(matcher, batch_sizes=[10], lengths=[16], repeats=1)
    # Batches of 4, 3 and 3 rows; run 10 is the first that counts.
    [found] = report.latencies
    assert found.graph_p50 == pytest.approx(10 + 11 + 12)
    assert found.p50 == pytest.approx(10 + 11 + 12 + 3 * recorded.before)


def test_batches_at_once_count_once(folders, monkeypatch):
    matcher = Matcher(folders["cross"], num_threads=2)
    clock = types.SimpleNamespace(now=0.0)
    meeting = threading.Barrier(2, timeout=20)
    run = matcher.pair_scorer().at_once.run

    def together(features):
        meeting.wait()
        if meeting.wait() == 0:
            clock.now += 0.007
        meeting.wait()
        return run(features)

    monkeypatch.setattr(
        latency, "time", types.SimpleNamespace(perf_counter=lambda: clock.now)
    )
    monkeypatch.setattr(matcher.pair_scorer().at_once, "run", together)
    report = measure_latency(matcher, batch_sizes=[2], lengths=[16], repeats=1)
    assert report.latencies[0].graph_p50 == pytest.approx(7)


def test_each_size_and_length_has_its_rows(matcher, recorded):
    report = measure_latency(
        matcher, batch_sizes=[1, 6], lengths=[9, 40], repeats=2
    )
    cells = [(one.batch_size, one.length) for one in report.latencies]
    assert cells == [(1, 9), (6, 9), (1, 40), (6, 40)]
    masks = [features["padding_mask"] for features in recorded.features]
    calls = FIRST_CALLS + 2
    assert len(masks) == len(cells) * calls
    for number, (size, length) in enumerate(cells):
        for mask in masks[number * calls : (number + 1) * calls]:
            assert mask.sum(axis=1).tolist() == [length] * size


def test_one_query_stands_beside_different_candidates(folders, monkeypatch):
    matcher = Matcher(folders["cross"], num_threads=1)
    seen = []
    scorer = matcher.pair_scorer()
    run = scorer.run
    monkeypatch.setattr(
        scorer, "run", lambda features: seen.append(features) or run(features)
    )
    measure_latency(matcher, batch_sizes=[8], lengths=[16], repeats=1)
    ids, segments = seen[0]["token_ids"], seen[0]["segment_ids"]
    rows = list(zip(ids, segments, strict=True))
    queries = {tuple(row[own == 0]) for row, own in rows}
    candidates = {tuple(row[own == 1]) for row, own in rows}
    assert len(queries) == 1
    assert len(candidates) == 8
    # Special tokens aside, 6 and 7: [CLS] query [SEP] candidate [SEP].
    assert [len(query) for query in queries] == [8]


def test_the_report_says_what_was_measured(matcher):
    report = measure_latency(matcher, batch_sizes=[1], lengths=[8], repeats=1)
    assert report.kind == matcher.config.kind
    assert report.provider == matcher.provider
    assert report.num_threads == 1
    assert report.repeats == 1
    assert report.processor in (platform.processor(), platform.machine())
    [found] = report.latencies
    assert 0 < found.graph_p50 < found.p50


def test_a_call_is_repeated_a_hundred_times_of_each_default(
    matcher, monkeypatch
):
    def measure(matcher, work, size, length, repeats):
        return size, length, repeats

    monkeypatch.setattr(latency, "_measure", measure)
    report = measure_latency(matcher)
    assert report.latencies == tuple(
        (size, length, 100) for length in (16, 40, 64) for size in (1, 8, 32)
    )
    assert report.repeats == 100


@pytest.mark.parametrize(
    ("most", "lengths"), [(64, [16, 40, 64]), (63, [16, 40]), (12, [12])]
)
def test_lengths_are_those_that_the_model_takes(tmp_path, most, lengths):
    folder = write_deploy(tmp_path, config(sequence_length=most))
    report = measure_latency(Matcher(folder), batch_sizes=[1], repeats=1)
    assert [one.length for one in report.latencies] == lengths


def test_the_matcher_is_left_as_it_was(matcher):
    scorer = matcher.pair_scorer()
    before = scorer.run, scorer.at_once, scorer.at_once.run
    measure_latency(matcher, batch_sizes=[1], lengths=[8], repeats=1)
    scorer = matcher.pair_scorer()
    assert (scorer.run, scorer.at_once, scorer.at_once.run) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_sizes": [1, 0]}, "`batch_sizes` must be .*batch_sizes=0"),
        ({"repeats": 0}, "repeats=0"),
        ({"repeats": 2.5}, "repeats=2.5"),
        ({"lengths": [16, 65]}, "to 64: the model takes 64 tokens.*65"),
        ({"lengths": [4]}, r"must be from \d to 64.*Received: 4"),
        ({"lengths": [0]}, "lengths=0"),
        ({"lengths": ["16"]}, "lengths='16'"),
    ],
)
def test_what_cannot_be_measured_is_refused(matcher, options, message):
    with pytest.raises(ValueError, match=message):
        measure_latency(matcher, **options)
