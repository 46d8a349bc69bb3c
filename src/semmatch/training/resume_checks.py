"""What keeps a training from being resumed, said before it begins."""

from semmatch.training.run import batch_dataset
from semmatch.training.run import batch_order
from semmatch.training.run_record import first_difference


def check_resumable(run, every):
    """Refuses a training whose place in the data could not be found again.

    Args:
        run: `TrainingRun`.
        every: int or None, as of `Resume`.

    Raises:
        ValueError: if the dataset does not say what its batches are, or steps
            of Keras that are several batches would not end with an epoch.
    """
    endless = run.steps is None and batch_order(run.train) is not None
    if endless:
        raise ValueError(
            "`Resume` needs to know how long an epoch is. Received: a dataset "
            "without end. Pass `steps_per_epoch`."
        )
    if run.order is None:
        raise ValueError(
            "`Resume` finds the next batch again, without those before, in a "
            "dataset of `pair_dataset`, `triplet_dataset`, "
            "`distillation_dataset` or `record_dataset`, which may have been "
            "mapped, repeated or prefetched, and in raw texts. Received: a "
            f"{type(batch_dataset(run.train)).__name__}."
        )
    together = run.model.steps_per_execution
    if every is not None and run.steps % together:
        raise ValueError(
            f"`steps_per_execution={together}` does not divide the "
            f"{run.steps} batches of an epoch, so that a resumed epoch would "
            "end elsewhere. Leave out `every`, and checkpoints are written at "
            "the ends of epochs; or take another `steps_per_execution`."
        )


def check_same_training(checkpoint, record, run, folder):
    """Refuses the checkpoint of another training.

    Args:
        checkpoint: dict, the record of a checkpoint.
        record: dict, what `run_record` says of this training.
        run: `TrainingRun`.
        folder: path of the checkpoint, for the message.

    Raises:
        ValueError: if it is of another model, optimizer, loss or data, or
            beyond the last epoch.
    """
    before, now = checkpoint["training"], record
    if run.order.drawn_seed:
        # Nobody asked for this seed: that of the checkpoint is taken.
        before, now = _without_seed(before), _without_seed(now)
    difference = first_difference(before, now)
    if difference is not None:
        raise ValueError(
            f"The checkpoint in {folder} is of another training: {difference}. "
            "Call `fit` as it was called then, or give `Resume` another "
            "folder, or delete this one to train anew."
        )
    if checkpoint["epoch"] >= run.epochs:
        raise ValueError(
            f"The checkpoint in {folder} is of epoch "
            f"{checkpoint['epoch'] + 1}, and the training ends before it. "
            f"Received: epochs={run.epochs}. Pass more, or delete the folder "
            "to train anew."
        )


def _without_seed(record):
    return {**record, "data": {**record["data"], "seed": None}}
