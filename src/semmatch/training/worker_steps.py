"""Where each worker of a training keeps its checkpoints, and which fit."""

from pathlib import Path

from semmatch.training.cluster import read_cluster
from semmatch.training.multi_worker import is_multi_worker
from semmatch.training.replicas import values_of_workers

# As many as a folder may hold.
_STEPS = 3


def worker_folder(model, folder):
    """The folder of this worker: `folder` itself where there is one alone.

    Args:
        model: a Keras model.
        folder: path.

    Raises:
        ValueError: if it has checkpoints of one process and the training is
            of several, or the other way round; if no TF_CONFIG says which
            worker this is.

    >>> worker_folder(None, "checkpoints").name
    'checkpoints'
    """
    folder = Path(folder)
    alone = _strategy(model) is None
    others = "worker-*/step-*.*" if alone else "step-*.*"
    if any(folder.glob(others)):
        before, now = ("several workers", "one process")[:: 1 if alone else -1]
        raise ValueError(
            f"{folder} has checkpoints of a training by {before}, and this "
            f"one is by {now}. Start it as it was, or give `Resume` another "
            "folder, or delete this one to train anew."
        )
    if alone:
        return folder
    cluster = read_cluster()
    if cluster is None:
        raise ValueError(
            "`Resume` has a folder for each worker of a training, and reads "
            "from TF_CONFIG which one this is. It is not set. Set it on each "
            "host, or start the workers by `semmatch launch`."
        )
    return folder / f"worker-{cluster.index}"


def common_step(model, steps):
    """The last step of which every worker has a checkpoint, or None.

    Of several workers all call it, and wait for each other: one may have been
    killed before it wrote what the others did.

    Args:
        model: a Keras model.
        steps: list of ints, those of this worker.

    Raises:
        ValueError: if some have two checkpoints and yet none is of all: they
            wait for each other at each step, so that is no crash's doing.

    >>> common_step(None, [100, 200])
    200
    """
    strategy = _strategy(model)
    if strategy is None:
        return max(steps, default=None)
    newest = sorted(steps)[-_STEPS:]
    newest += [-1] * (_STEPS - len(newest))
    rows = values_of_workers(strategy, newest)
    found = last_common(rows)
    shown = [[int(step) for step in row if step >= 0] for row in rows]
    if found is None and max(map(len, shown)) > 1:
        raise ValueError(
            "No checkpoint is of all workers, as if one had another folder "
            f"than before. Received: those of batches {shown}, a list for "
            "each worker. Give each the folder that it wrote, or delete all "
            "of them to train anew."
        )
    return found


def every_worker(model, flag):
    """Whether something is so of every worker, which wait for each other.

    Args:
        model: a Keras model, of several workers or not.
        flag: bool, whether it is so of this one.

    >>> every_worker(None, True)
    True
    """
    strategy = _strategy(model)
    if strategy is None:
        return flag
    return bool(values_of_workers(strategy, [float(flag)]).all())


def last_common(steps):
    """The largest number that stands in every row, None if there is none.

    Args:
        steps: float `(rows, n)`, -1 for an empty place.

    >>> last_common([[100.0, 200.0], [100.0, -1.0]])
    100
    """
    common = set.intersection(*({int(step) for step in row} for row in steps))
    return max(common - {-1}, default=None)


def _strategy(model):
    """That of a model of several workers, else None."""
    strategy = getattr(model, "_distribute_strategy", None)
    if strategy is None or not is_multi_worker(strategy):
        return None
    return strategy
