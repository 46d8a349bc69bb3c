"""Workers go on from a step that all of them have."""

import pytest

from semmatch.training import worker_steps
from semmatch.training.cluster import Cluster
from semmatch.training.worker_steps import common_step
from semmatch.training.worker_steps import last_common
from semmatch.training.worker_steps import worker_folder
from tests.training import toy_training as toy


def test_one_process_takes_its_last_step(tmp_path):
    model = toy.toy_model()
    assert worker_folder(model, tmp_path) == tmp_path
    assert common_step(model, [10, 30, 20]) == 30
    assert common_step(model, []) is None


@pytest.mark.parametrize(
    "steps, expected",
    [
        ([[10, 20, -1], [10, 20, -1]], 20),
        ([[10, 20, -1], [10, -1, -1]], 10),
        ([[10, 20, 30], [20, 30, -1], [10, 20, -1]], 20),
        ([[10, 20, -1], [-1, -1, -1]], None),
        ([[10, -1, -1], [20, -1, -1]], None),
    ],
)
def test_the_last_step_of_all(steps, expected):
    assert last_common(steps) == expected


def test_workers_ask_each_other(monkeypatch, tmp_path):
    class Several:
        _distribute_strategy = object()

    asked = []

    def values(strategy, steps):
        asked.append(steps)
        return [steps, [20.0, 30.0, 50.0]]

    monkeypatch.setattr(worker_steps, "is_multi_worker", lambda strategy: True)
    monkeypatch.setattr(worker_steps, "values_of_workers", values)
    monkeypatch.setattr(
        worker_steps, "read_cluster", lambda: Cluster(("a:1", "b:2"), 1)
    )
    assert worker_folder(Several, tmp_path) == tmp_path / "worker-1"
    assert common_step(Several, [40, 10, 20, 30]) == 30
    assert common_step(Several, [20]) == 20
    assert asked == [[20, 30, 40], [20, -1, -1]]
