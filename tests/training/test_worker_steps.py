"""Workers go on from a step that all of them have."""

import numpy as np
import pytest

from semmatch.training import worker_steps
from semmatch.training.checkpoint_files import CheckpointFiles
from semmatch.training.cluster import Cluster
from semmatch.training.worker_steps import common_step
from semmatch.training.worker_steps import every_worker
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


class Several:
    """A model of several workers, as far as these functions look."""

    _distribute_strategy = object()


@pytest.fixture
def several(monkeypatch):
    """The steps that each worker gave, and what the other one has."""
    asked, other = [], [20.0, 30.0, 50.0]

    def values(strategy, steps):
        asked.append(steps)
        return [steps, other]

    monkeypatch.setattr(worker_steps, "is_multi_worker", lambda strategy: True)
    monkeypatch.setattr(worker_steps, "values_of_workers", values)
    cluster = Cluster(("a:1", "b:2"), 1)
    monkeypatch.setattr(worker_steps, "read_cluster", lambda: cluster)
    return asked, other


def test_workers_ask_each_other(several, tmp_path):
    assert worker_folder(Several, tmp_path) == tmp_path / "worker-1"
    assert common_step(Several, [40, 10, 20, 30]) == 30
    assert common_step(Several, [20]) == 20
    assert several[0] == [[20, 30, 40], [20, -1, -1]]


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("other", [1.0, 0.0])
def test_all_must_say_yes(several, monkeypatch, own, other):
    monkeypatch.setattr(
        worker_steps,
        "values_of_workers",
        lambda strategy, values: np.array([values, [other]]),
    )
    assert every_worker(Several, own) is (own and bool(other))
    assert every_worker(None, own) is own


def test_a_worker_may_be_killed_before_its_first_checkpoint(several):
    several[1][:] = [20.0, -1.0, -1.0]
    assert common_step(Several, []) is None


def test_a_worker_that_lost_its_checkpoints_is_told(several):
    message = r"those of batches \[\[10\], \[20, 30, 50\]\], a list for each"
    with pytest.raises(ValueError, match=message):
        common_step(Several, [10])


def test_the_folder_of_one_process_is_not_that_of_several(several, tmp_path):
    CheckpointFiles(tmp_path / "one").write(1, {}, {})
    message = "training by one process, and this one is by several workers"
    with pytest.raises(ValueError, match=message):
        worker_folder(Several, tmp_path / "one")
    CheckpointFiles(tmp_path / "two" / "worker-0").write(1, {}, {})
    message = "training by several workers, and this one is by one process"
    with pytest.raises(ValueError, match=message):
        worker_folder(None, tmp_path / "two")
    assert worker_folder(None, tmp_path / "one") == tmp_path / "one"


def test_workers_without_a_number_are_told(several, monkeypatch, tmp_path):
    monkeypatch.setattr(worker_steps, "read_cluster", lambda: None)
    with pytest.raises(ValueError, match="TF_CONFIG which one .* not set"):
        worker_folder(Several, tmp_path)
