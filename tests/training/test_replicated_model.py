"""A model with replicas says what one without says."""

import pytest

from semmatch.models.matching_task import MatchingTask
from tests.checks import small_model
from tests.checks import tensorflow_only
from tests.checks import toy_pairs
from tests.training import mirrored_checks

pytestmark = tensorflow_only


@pytest.fixture(scope="module")
def found():
    return mirrored_checks.run()


@pytest.mark.slow
@pytest.mark.parametrize(
    "question",
    [
        "a_batch_alone",
        "rows_that_are_split_unevenly",
        "a_last_batch_of_one_row",
        "masks_of_bools",
        "sums_of_losses",
        "parts_of_uneven_rows",
        "cached_gradients_of_uneven_rows",
    ],
)
def test_two_replicas_say_what_one_device_says(found, question):
    assert 0 <= found[question] < 1e-5


@pytest.mark.slow
def test_no_epoch_of_the_data_is_passed_over(found):
    assert found["epochs_begun"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("validation_data", [None, toy_pairs(16)])
def test_a_step_is_traced_once(monkeypatch, validation_data):
    traced = []
    step = MatchingTask.train_step

    def train_step(self, data):
        traced.append(data)
        return step(self, data)

    monkeypatch.setattr(MatchingTask, "train_step", train_step)
    model = small_model()
    model.compile(metrics=["accuracy"])
    model.fit(toy_pairs(32), validation_data=validation_data, verbose=0)
    assert len(traced) == 1


def test_what_runs_eagerly_may_use_values():
    seen = []

    def share(label, scores):
        seen.append(float(label.numpy().mean()))
        return scores

    model = small_model()
    model.compile(metrics=[share], run_eagerly=True)
    model.fit(toy_pairs(32), verbose=0)
    assert seen
