"""TF_CONFIG says who trains together, or the error says what is wrong."""

import json

import pytest

from semmatch.training import is_chief
from semmatch.training.cluster import read_cluster

WORKERS = ["one:1", "two:2"]


def set_config(monkeypatch, config):
    text = config if isinstance(config, str) else json.dumps(config)
    monkeypatch.setenv("TF_CONFIG", text)


def config(cluster, job="worker", index=0):
    return {"cluster": cluster, "task": {"type": job, "index": index}}


@pytest.mark.parametrize(
    ("cluster", "job", "index", "addresses", "place"),
    [
        ({"worker": WORKERS}, "worker", 0, WORKERS, 0),
        ({"worker": WORKERS}, "worker", 1, WORKERS, 1),
        # As TensorFlow counts, the chief comes first.
        (
            {"worker": WORKERS, "chief": ["c:3"]},
            "chief",
            0,
            ["c:3", *WORKERS],
            0,
        ),
        (
            {"worker": WORKERS, "chief": ["c:3"]},
            "worker",
            1,
            ["c:3", *WORKERS],
            2,
        ),
        ({"worker": ["one:1"]}, "worker", 0, ["one:1"], 0),
    ],
)
def test_a_cluster_is_read(cluster, job, index, addresses, place, monkeypatch):
    set_config(monkeypatch, config(cluster, job, index))
    found = read_cluster()
    assert found.addresses == tuple(addresses)
    assert found.index == place
    assert is_chief() == (place == 0)


@pytest.mark.parametrize("text", [None, ""])
def test_a_process_alone_has_no_cluster(text, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    assert read_cluster() is None
    assert is_chief()


def test_what_else_stands_there_does_not_count(monkeypatch):
    more = {**config({"worker": WORKERS}), "environment": "cloud"}
    set_config(monkeypatch, more)
    assert read_cluster().addresses == tuple(WORKERS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON "),
        ("[]", "no JSON object"),
        ("{}", "no cluster"),
        ({"cluster": [], "task": {}}, "no cluster"),
        ({"cluster": {}, "task": {}}, "no cluster"),
        ({"cluster": {"worker": WORKERS}}, "no task"),
        (config({"worker": WORKERS, "ps": ["p:1"]}), "the job 'ps'"),
        (config({"worker": WORKERS}, "chief"), "the task type 'chief'"),
        (config({"worker": WORKERS}, index=2), "index 2 among 2 of 'worker'"),
        (config({"worker": WORKERS}, index=-1), "index -1 among 2"),
        (config({"worker": WORKERS}, index="0"), "index '0' among 2"),
        (config({"worker": WORKERS}, index=True), "index True among 2"),
        (config({"worker": "one:1"}), "no list of host:port"),
        (config({"worker": []}), "no list of host:port"),
        (config({"worker": ["one"]}), "no list of host:port"),
        (config({"worker": [1]}), "no list of host:port"),
        (config({"worker": ["a:1", "a:1"]}), "one address twice"),
        (config({"chief": ["a:1"], "worker": ["a:1"]}), "one address twice"),
        (config({"chief": WORKERS}, "chief"), "2 chiefs"),
    ],
)
def test_what_is_no_cluster_is_told(text, message, monkeypatch):
    set_config(monkeypatch, text)
    expected = (
        rf"TF_CONFIG must be like .*Received .*{message}.*semmatch launch"
    )
    with pytest.raises(ValueError, match=expected):
        read_cluster()
