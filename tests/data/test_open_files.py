"""More shards than a process may have open files are an error with advice."""

import os

import pytest

from semmatch.data import record_dataset
from semmatch.data import write_records
from semmatch.data.open_files import check_open_files
from tests.checks import tiny_preprocessor

resource = pytest.importorskip("resource")

PAIRS = [("还款", "取消", number % 2) for number in range(100)]


@pytest.fixture
def limit():
    """Sets how many more files this process may open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def set_limit(more):
        number = len(os.listdir("/dev/fd")) + more
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, before[1]))

    yield set_limit
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_counts_what_is_open(limit):
    limit(100)
    check_open_files(84, "Reading")
    message = "Reading has 85 files open .*Received: 100 that.*which 16 are"
    with pytest.raises(ValueError, match=message):
        check_open_files(85, "Reading")
    with open(os.devnull), pytest.raises(ValueError, match="Received: 99 that"):
        check_open_files(84, "Reading")


def test_no_limit_is_none(monkeypatch):
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)
    check_open_files(10**9, "Reading")


def test_shards_that_cannot_be_open_together_are_not_begun(limit, tmp_path):
    limit(60)
    message = "`write_records` of num_shards=50 has 50 files.*`ulimit -n`"
    with pytest.raises(ValueError, match=message):
        write_records(PAIRS, tmp_path / "r", num_shards=50)
    assert not list(tmp_path.iterdir())
    assert write_records(PAIRS, tmp_path / "r", num_shards=20).num_pairs == 100


def test_records_in_turn_need_all_their_files_open(limit, tmp_path):
    for name, seed in (("in turn", None), ("shuffled", 0)):
        write_records(PAIRS, tmp_path / name, num_shards=50, seed=seed)
    limit(60)
    message = "Reading .*in turn has 50 files.*write fewer shards"
    with pytest.raises(ValueError, match=message):
        record_dataset(tmp_path / "in turn", tiny_preprocessor())
    dataset = record_dataset(tmp_path / "shuffled", tiny_preprocessor())
    assert sum(len(labels) for _, labels in dataset) == 100
