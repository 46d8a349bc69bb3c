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

    >>> worker_folder(None, "checkpoints").name
    'checkpoints'
    """
    folder = Path(folder)
    if _strategy(model) is None:
        return folder
    return folder / f"worker-{read_cluster().index}"


def common_step(model, steps):
    """The last step of which every worker has a checkpoint, or None.

    Of several workers all call it, and wait for each other: one may have been
    killed before it wrote what the others did.

    Args:
        model: a Keras model.
        steps: list of ints, those of this worker.

    >>> common_step(None, [100, 200])
    200
    """
    strategy = _strategy(model)
    if strategy is None:
        return max(steps, default=None)
    newest = sorted(steps)[-_STEPS:]
    newest += [-1] * (_STEPS - len(newest))
    return last_common(values_of_workers(strategy, newest))


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
