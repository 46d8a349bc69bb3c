"""Who trains together, as TF_CONFIG says it."""

import dataclasses
import json
import os

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
_JOBS = ("chief", "worker")


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The processes of a training, and which of them this is.

    Attributes:
        addresses: tuple of strings, `host:port` of each process, the one that
            writes what one process writes first.
        index: int, the place of this process among them.
    """

    addresses: tuple
    index: int


def read_cluster():
    """What the environment variable TF_CONFIG says, None where it is not set.

    Raises:
        ValueError: for what is no cluster of workers.

    >>> read_cluster() is None
    True
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return None
    try:
        config = json.loads(text)
    except ValueError as error:
        raise _wrong(f"no JSON ({error})", text) from error
    if not isinstance(config, dict):
        raise _wrong("no JSON object", text)
    cluster, task = config.get("cluster"), config.get("task")
    if not isinstance(cluster, dict) or not cluster:
        raise _wrong("no cluster", text)
    if not isinstance(task, dict):
        raise _wrong("no task", text)
    other = sorted(set(cluster) - set(_JOBS))
    if other:
        raise _wrong(
            f"the job {other[0]!r}, and Keras 3 trains by workers and a chief "
            "alone",
            text,
        )
    jobs = {job: _addresses(cluster[job], job, text) for job in cluster}
    job, index = task.get("type"), task.get("index")
    if job not in jobs:
        raise _wrong(f"the task type {job!r}, which the cluster lacks", text)
    if type(index) is not int or not 0 <= index < len(jobs[job]):
        raise _wrong(
            f"the task index {index!r} among {len(jobs[job])} of {job!r}", text
        )
    # The chief comes first, as TensorFlow counts.
    addresses = (*jobs.get("chief", ()), *jobs.get("worker", ()))
    if len(set(addresses)) < len(addresses):
        raise _wrong("one address twice", text)
    before = len(jobs.get("chief", ())) if job == "worker" else 0
    return Cluster(addresses, before + index)


def is_chief():
    """Whether this process writes what one process of a training writes.

    The chief of TF_CONFIG, or the first of its workers, or a process that
    trains alone. Models and reports are the same in all processes, so one of
    them is enough.

    >>> is_chief()
    True
    """
    cluster = read_cluster()
    return cluster is None or cluster.index == 0


def _addresses(addresses, job, text):
    if (
        not isinstance(addresses, list)
        or not addresses
        or not all(isinstance(a, str) and ":" in a for a in addresses)
    ):
        raise _wrong(
            f"{job!r} of {addresses!r}, which is no list of host:port", text
        )
    if job == "chief" and len(addresses) > 1:
        raise _wrong(f"{len(addresses)} chiefs", text)
    return addresses


def _wrong(what, text):
    return ValueError(
        f"TF_CONFIG must be like {_EXAMPLE}. Received {what}: {text!r}. On one "
        "host `semmatch launch` sets it."
    )
