"""How many threads the cores are worth that this process may use."""

import math
import os
from pathlib import Path

_GROUPS = "sys/fs/cgroup"
_SIBLINGS = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def cpu_limit(root="/"):
    """The number of threads that a computation should have, at least 1.

    A container is often limited to a part of its machine's cores, which
    `os.cpu_count` does not know of; more threads than that are stopped in
    turn, and all wait for the one that is. It is the smaller one of

    - the cores that the process may run on (`os.sched_getaffinity`), where
      two hardware threads of one core count once: they share its arithmetic;
    - the whole cores of the CPU time that its control groups are allowed:
      `cpu.max` of version 2, `cpu.cfs_quota_us` by `cpu.cfs_period_us` of
      version 1, of its own group and of those above it. Half a core more is
      left to the rest of the process.

    Args:
        root: path of the file system, for tests.

    Returns:
        int.

    >>> cpu_limit() >= 1
    True
    """
    root = Path(root)
    return max(1, math.floor(min(_cores(root), _quota(root))))


def _cores(root):
    """Cores that the process may run on, int."""
    if not hasattr(os, "sched_getaffinity"):  # macOS and Windows
        return os.cpu_count() or 1
    siblings = {
        # A machine that does not say which threads share a core.
        _text(root / _SIBLINGS.format(cpu)) or str(cpu)
        for cpu in os.sched_getaffinity(0)
    }
    return len(siblings)


def _quota(root):
    """Cores' worth of CPU time that is allowed, float; infinity for all."""
    # A line for each hierarchy, such as 4:cpu,cpuacct:/system.slice/faq.
    lines = (_text(root / "proc/self/cgroup") or "").splitlines()
    limits = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            folders = _with_parents(root / _GROUPS, path)
            limits += map(_limit_2, folders)
        elif "cpu" in controllers.split(","):
            for name in {"cpu", controllers}:
                folders = _with_parents(root / _GROUPS / name, path)
                limits += map(_limit_1, folders)
    return min(limits)


def _with_parents(mount, path):
    """The folder of a group and those above, up to the root of its mount.

    Within a container the path is often the host's, and the container's own
    limit stands at the root.
    """
    parts = Path(path.lstrip("/")).parts
    return [
        mount.joinpath(*parts[:count]) for count in range(len(parts), -1, -1)
    ]


def _limit_2(folder):
    text = _text(folder / "cpu.max")
    if not text or text.startswith("max"):
        return math.inf
    quota, period = text.split()
    return int(quota) / int(period)


def _limit_1(folder):
    quota = _text(folder / "cpu.cfs_quota_us")
    period = _text(folder / "cpu.cfs_period_us")
    if not quota or not period or int(quota) < 0:
        return math.inf
    return int(quota) / int(period)


def _text(file):
    """What stands in a file of the kernel; None if there is none to read."""
    try:
        return os.fsdecode(file.read_bytes()).strip()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
