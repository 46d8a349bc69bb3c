"""Threads are as many as the cores that a process may use."""

import os
from pathlib import Path

import pytest

from semmatch.serving.cpu_limit import cpu_limit

GROUPS = "sys/fs/cgroup"


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


@pytest.fixture
def sixteen(monkeypatch):
    """A process that may run on sixteen cores."""
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda pid: set(range(16)), raising=False
    )


def test_of_this_machine_it_is_a_count():
    limit = cpu_limit()
    assert type(limit) is int
    assert 1 <= limit <= os.cpu_count()


def test_without_any_file_it_is_the_cores_of_the_process(sixteen, tmp_path):
    assert cpu_limit(tmp_path) == 16


def test_where_there_is_no_affinity_it_is_all_cores(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cpu_limit(tmp_path) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cpu_limit(tmp_path) == 1


def test_two_threads_of_one_core_count_once(monkeypatch, tmp_path):
    # Eight hardware threads of four cores: 0 and 4 share one, and so on.
    write(
        tmp_path,
        {
            f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list": (
                f"{cpu % 4},{cpu % 4 + 4}"
            )
            for cpu in range(8)
        },
    )

    def on(cpus):
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda pid: cpus, raising=False
        )
        return cpu_limit(tmp_path)

    assert on(set(range(8))) == 4
    assert on({0, 4}) == 1
    assert on({0, 1, 5}) == 2


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("max 100000", 16),
        ("200000 100000", 2),
        ("150000 100000", 1),
        ("50000 100000", 1),  # half a core
        ("100000 20000", 5),
        ("9900000 100000", 16),  # more than there are
        ("", 16),
    ],
)
def test_version_2_of_control_groups(sixteen, tmp_path, text, limit):
    files = {"proc/self/cgroup": "0::/", f"{GROUPS}/cpu.max": text}
    write(tmp_path, files)
    assert cpu_limit(tmp_path) == limit


@pytest.mark.parametrize(
    ("quota", "period", "limit"),
    [(-1, 100000, 16), (350000, 100000, 3), (10000, 100000, 1)],
)
@pytest.mark.parametrize(
    ("controllers", "mount"),
    [("cpu", "cpu"), ("cpu,cpuacct", "cpu"), ("cpu,cpuacct", "cpu,cpuacct")],
)
def test_version_1_of_control_groups(
    sixteen, tmp_path, quota, period, limit, controllers, mount
):
    files = {
        "proc/self/cgroup": f"12:memory:/\n4:{controllers}:/\n3:cpuset:/",
        f"{GROUPS}/{mount}/cpu.cfs_quota_us": quota,
        f"{GROUPS}/{mount}/cpu.cfs_period_us": period,
    }
    write(tmp_path, files)
    assert cpu_limit(tmp_path) == limit


def test_the_groups_above_limit_it_as_well(sixteen, tmp_path):
    group = "/system.slice/faq.service"
    files = {
        "proc/self/cgroup": f"0::{group}",
        f"{GROUPS}{group}/cpu.max": "800000 100000",
    }
    write(tmp_path, files)
    assert cpu_limit(tmp_path) == 8
    write(tmp_path, {f"{GROUPS}/system.slice/cpu.max": "400000 100000"})
    assert cpu_limit(tmp_path) == 4
    write(tmp_path, {f"{GROUPS}{group}/cpu.max": "max 100000"})
    assert cpu_limit(tmp_path) == 4


def test_a_path_of_the_host_leads_to_the_root_of_the_container(
    sixteen, tmp_path
):
    files = {
        "proc/self/cgroup": "4:cpu:/docker/0a:b\n0::/docker/0a:b",
        f"{GROUPS}/cpu/cpu.cfs_quota_us": 300000,
        f"{GROUPS}/cpu/cpu.cfs_period_us": 100000,
    }
    write(tmp_path, files)
    assert cpu_limit(tmp_path) == 3


def test_the_name_of_a_group_may_have_any_characters(sixteen, tmp_path):
    files = {f"{GROUPS}/服务/cpu.max": "200000 100000"}
    write(tmp_path, files)
    (tmp_path / "proc/self").mkdir(parents=True)
    cgroup = tmp_path / "proc/self/cgroup"
    cgroup.write_bytes("0::/服务\n".encode())
    assert cpu_limit(tmp_path) == 2
    cgroup.write_bytes(b"0::/\xff\n")  # no UTF-8
    assert cpu_limit(tmp_path) == 16


def test_a_file_that_may_not_be_read_limits_nothing(
    sixteen, tmp_path, monkeypatch
):
    def refuse(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert cpu_limit(tmp_path) == 16
