"""Two workers train, evaluate and ask a model as one process does."""

import re

import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch import load_model
from semmatch.training import strategy
from semmatch.training.metric_files import read_metrics
from tests.checks import tensorflow_only
from tests.training import several_workers

pytestmark = tensorflow_only


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two workers wrote that trained each kind of model."""
    folder = tmp_path_factory.mktemp("workers")
    assert several_workers.run("equal", folder) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", several_workers.KINDS)
def test_two_workers_train_as_one_process(folder, kind):
    alone = several_workers.trained(kind, strategy())
    for place in (0, 1):
        found = several_workers.read(folder / kind, place)
        assert found.keys() == alone.keys()
        for name, value in alone.items():
            np.testing.assert_allclose(
                found[name], value, atol=1e-5, err_msg=name
            )


@pytest.mark.slow
@pytest.mark.parametrize("kind", several_workers.KINDS)
def test_the_training_moved_the_weights(folder, kind, tmp_path):
    losses = several_workers.read(folder / kind, 0)["loss"]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.slow
def test_a_whole_recipe_runs_and_workers_end_alike(folder):
    one, two = (several_workers.read(folder / "recipe", n) for n in (0, 1))
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert np.isfinite(value).all(), name
        np.testing.assert_array_equal(two[name], value, err_msg=name)
    assert one["val_loss"].shape == (2,)


@pytest.mark.slow
def test_what_the_chief_and_each_worker_wrote_can_be_read(folder):
    expected = several_workers.read(folder / "recipe", 0)["scores"]
    for model in (
        CrossEncoder.from_preset(folder / "preset"),
        load_model(folder / "model.keras"),
    ):
        scores = model.score([("取消", "还款")])
        np.testing.assert_allclose(scores, expected, atol=1e-2)
    one, two = (folder / f"checkpoint-{n}.weights.h5" for n in (0, 1))
    weights = []
    for path in (one, two):
        model.load_weights(path)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "name"),
    [("weights", "the weights"), ("data", "the data and their order")],
)
def test_workers_that_begin_apart_are_refused(folder, what, name):
    for place in (0, 1):
        found = several_workers.read(folder / "refused", place)
        assert re.match(
            "The workers of a training begin alike.* Received: checksum of "
            rf"{name} (\d+), (?!\1)\d+, one for each replica",
            str(found[what]),
        )


@pytest.mark.slow
def test_after_a_kill_all_workers_go_on_where_they_were(tmp_path):
    assert several_workers.run("resume", tmp_path, restarts=1) == 0
    assert (tmp_path / "killed").exists()
    alone = several_workers.resumed(strategy(), tmp_path / "alone")
    assert alone.pop("began") == [0, 1, 2]
    for place in (0, 1):
        found = several_workers.read(tmp_path / "resumed", place)
        # From the fourth of nine batches on.
        assert found.pop("began").tolist() == [1, 2]
        assert found.keys() == alone.keys()
        for name, value in alone.items():
            np.testing.assert_allclose(
                found[name], value, atol=1e-5, err_msg=name
            )
    # The first one writes what the training was, and no checkpoint is left.
    losses = [row["loss"] for row in read_metrics(tmp_path / "run")]
    np.testing.assert_allclose(losses, alone["loss"], atol=1e-5)
    assert not any((tmp_path / "checkpoints").iterdir())
