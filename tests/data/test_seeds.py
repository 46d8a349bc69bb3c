"""What a seed may be, and what it is from then on."""

import json

import numpy as np
import pytest

from semmatch.data import distillation_dataset
from semmatch.data import pair_dataset
from semmatch.data import PairStream
from semmatch.data import record_dataset
from semmatch.data import triplet_dataset
from semmatch.data import Triplets
from semmatch.data import write_records
from tests.checks import tiny_preprocessor
from tests.checks import toy_pairs
from tests.models.bi_models import bi_preprocessor

PAIRS = toy_pairs(6)
TRIPLETS = Triplets(["借", "还"] * 3, ["取", "款"] * 3, [["怎"]] * 6)
# What JSON cannot write, no generator takes, or is most often a mistake.
WRONG = [-1, 1.5, "7", True, 2**63]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / "train"
    write_records(PAIRS, folder)
    return folder


def pairs(folder, **options):
    return pair_dataset(PAIRS, tiny_preprocessor(), **options)


def triplets(folder, **options):
    return triplet_dataset(TRIPLETS, bi_preprocessor(), **options)


def distillation(folder, **options):
    return distillation_dataset(PAIRS, tiny_preprocessor(), **options)


def records(folder, **options):
    return record_dataset(folder, tiny_preprocessor(), **options)


IN_MEMORY = [pairs, triplets, distillation]


@pytest.mark.parametrize("build", [*IN_MEMORY, records])
def test_a_description_holds_plain_numbers(folder, build):
    options = {"shuffle": True, "batch_size": np.int64(2)}
    order = build(folder, seed=np.int64(3), **options).batch_order
    described = order.describe()
    assert json.loads(json.dumps(described)) == described
    assert (described["seed"], described["batch_size"]) == (3, 2)


@pytest.mark.parametrize("build", [*IN_MEMORY, records])
@pytest.mark.parametrize("seed", [*WRONG, None])
def test_a_wrong_seed_is_refused_before_the_first_batch(folder, build, seed):
    with pytest.raises(ValueError, match=f"`seed` must be.*seed={seed!r}"):
        build(folder, shuffle=True, seed=seed)


@pytest.mark.parametrize("build", IN_MEMORY)
def test_what_is_not_shuffled_needs_no_seed(folder, build):
    dataset = build(folder, seed=None)
    assert dataset.batch_order.describe()["seed"] is None
    assert len(list(dataset)) == 1


def test_records_need_a_seed(folder):
    with pytest.raises(ValueError, match="`seed` must be.*Received: seed=None"):
        records(folder, seed=None)


@pytest.mark.parametrize("seed", WRONG)
def test_a_wrong_seed_is_refused_before_the_source_is_read(tmp_path, seed):
    source = iter([("a", "b")])
    stream = PairStream.of(source)
    message = f"`seed` must be.*, or None. Received: seed={seed!r}"
    with pytest.raises(ValueError, match=message):
        write_records(stream, tmp_path / "r", seed=seed)
    assert len(list(stream)) == 1


def test_records_are_written_by_a_seed_of_numpy(tmp_path):
    manifest = write_records(PAIRS, tmp_path / "r", seed=np.int64(3))
    assert manifest == write_records(PAIRS, tmp_path / "same", seed=3)
    dataset = record_dataset(tmp_path / "r", tiny_preprocessor(), shuffle=True)
    assert len(list(dataset)) == 1
