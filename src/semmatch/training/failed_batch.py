"""Writes out the batch at which a training failed."""

import json
import tempfile
from pathlib import Path

import numpy as np


def write_failed_batches(run, epoch, batch):
    """Writes the batches after which a loss was not finite.

    The loss of a batch is that of the weights before its step, so the step on
    the batch before may have ruined them: that one is written too.

    Args:
        run: `TrainingRun`.
        epoch: int, from 0.
        batch: int, the batch in it, from 0; with `steps_per_execution` the
            last of those that may have done it.

    Returns:
        The path of a file, or None if nobody knows what was in the batches:
        `failed_batch.jsonl`, a line for each example with its epoch, batch
        and step, all counted from 1, its row in the data and its texts; or,
        of a dataset that does not say what it is made of,
        `failed_batch.npz` with the features.
    """
    count = run.model.steps_per_execution
    if run.order is not None:
        last = run.number(epoch, batch)
        rows = [
            {**_where(run, number), **example}
            for number in range(last - count, last + 1)
            if run.start + number >= 0
            for example in run.order.examples(run.start + number)
        ]
        path = _folder(run) / "failed_batch.jsonl"
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        path.write_text("".join(lines), encoding="utf-8")
        return path
    arrays = {}
    if run.kept is not None:
        batch = run.batch(epoch, batch)
        before = 0
        if run.is_one_iteration:
            before = (epoch - run.first_epoch) * run.steps
        for place in range(max(0, batch - count), batch + 1):
            for name, array in run.kept.batch(before + place).items():
                arrays[f"epoch{epoch + 1}-batch{place + 1}/{name}"] = array
    if not arrays:
        return None
    path = _folder(run) / "failed_batch.npz"
    np.savez(path, **arrays)
    return path


def _where(run, number):
    epoch, batch = divmod(number, run.steps)
    return {"epoch": epoch + 1, "batch": batch + 1, "step": number + 1}


def _folder(run):
    if run.folder is None:
        return Path(tempfile.mkdtemp(prefix="semmatch-"))
    folder = Path(run.folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
