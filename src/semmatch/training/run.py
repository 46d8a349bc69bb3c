"""A training that is about to begin, for callbacks that look at its data."""

import dataclasses
from pathlib import Path

import keras

from semmatch.training.kept_batches import KeptBatches

# Operations of tf.data after which there are the same batches in the same
# order, other than in what they hold.
_SAME_BATCHES = (
    "_AssertCardinalityDataset",
    "_MapDataset",
    "_OptionsDataset",
    "_ParallelMapDataset",
    "_PrefetchDataset",
    "_RepeatDataset",
)


@dataclasses.dataclass
class TrainingRun:
    """What `fit` of a model of pairs was called with.

    Batches are counted over all epochs, the first of epoch 0 is batch 0; in
    the data it is batch `start`, where they were trained on before.

    Attributes:
        model: a compiled Keras model.
        train: the dataset, or what else Keras trains on; may be replaced.
        validation: dataset or None.
        options: dict of the further arguments of Keras's `fit`; may be
            changed.
        callbacks: list of all callbacks in their order, once it is known.
        order: the `batch_order` of what is trained on, None where it has
            none.
        kept: `KeptBatches`, None where they are not needed or cannot be kept.
        start: int, the place of batch 0 in the data.
        passed: int, batches of the first epoch that an earlier call trained
            on.
        resumes: bool, whether a callback may go on with an earlier training.
        folder: path where a training that fails leaves what it was at, or
            None for a temporary folder.
    """

    model: keras.Model
    train: object
    validation: object
    options: dict
    callbacks: list = dataclasses.field(default_factory=list)
    order: object = None
    kept: KeptBatches | None = None
    start: int = 0
    passed: int = 0
    resumes: bool = False
    folder: Path | None = None

    @property
    def first_epoch(self):
        """int, the epoch that the training begins with."""
        return self.options.get("initial_epoch", 0)

    @property
    def epochs(self):
        """int, the number of the epoch before which the training ends."""
        return self.options.get("epochs", 1)

    @property
    def steps(self):
        """int, the batches of an epoch, None where nobody knows."""
        steps = self.options.get("steps_per_epoch")
        return steps or num_batches(self.train)

    @property
    def is_one_iteration(self):
        """bool, whether Keras goes through the data once for all epochs."""
        return bool(self.options.get("steps_per_epoch"))

    def batch(self, epoch, batch):
        """The place of a batch in its epoch.

        Args:
            epoch: int, from 0.
            batch: int, the place as Keras tells it to callbacks: counted from
                where this call began, and with `steps_per_execution` perhaps
                beyond the end.
        """
        if epoch == self.first_epoch:
            batch += self.passed
        return batch if self.steps is None else min(batch, self.steps - 1)

    def number(self, epoch, batch):
        """The number of a batch, counted over all epochs; as `batch`."""
        return epoch * self.steps + self.batch(epoch, batch)


class DataPosition(keras.callbacks.Callback):
    """Has each epoch begin with its own batches.

    Else an epoch would be the next one of the data, which is another one if
    somebody else looked at the dataset, as Keras does before some trainings.

    Args:
        run: `TrainingRun` with an `order`.
    """

    def __init__(self, run):
        super().__init__()
        self.run = run

    def on_epoch_begin(self, epoch, logs=None):
        run = self.run
        if epoch == run.first_epoch or not run.is_one_iteration:
            run.order.next_batch = run.start + run.number(epoch, 0)


class RunCallback(keras.callbacks.Callback):
    """A callback that sees a training before it begins.

    `fit` of the models of this package calls `prepare` of each, in their
    order, before anything else is done.
    """

    # Further callbacks, which come with this one.
    companions: tuple = ()

    def prepare(self, run):
        """Checks, and takes what it needs.

        Args:
            run: `TrainingRun`.
        """
        raise NotImplementedError


def training_run(model, train, validation, options):
    """`TrainingRun` of a call of `fit`.

    Args:
        model: a compiled Keras model.
        train: the dataset, or what else Keras trains on.
        validation: dataset or None.
        options: dict of the further arguments of Keras's `fit`.
    """
    run = TrainingRun(model, train, validation, options)
    run.order = batch_order(train)
    if run.order is not None and run.steps is None:
        run.order = None  # without end: Keras will say so
    elif run.order is not None:
        run.start = run.order.next_batch - run.first_epoch * run.steps
    return run


def keep_batches(run):
    """Has the last batches kept of data that do not know theirs.

    Args:
        run: `TrainingRun`; its `train` becomes another dataset.
    """
    import tensorflow as tf

    # Replicas read parts of batches, on devices of their own.
    one_device = getattr(run.model, "_distribute_strategy", None) is None
    unknown = run.order is None and isinstance(run.train, tf.data.Dataset)
    if unknown and one_device:
        run.kept = KeptBatches(run.train)
        run.train = run.kept.dataset


def num_batches(dataset):
    """How many batches a dataset has, None if it is unknown or no end.

    >>> import tensorflow as tf
    >>> num_batches(tf.data.Dataset.range(10).batch(4))
    3
    """
    cardinality = getattr(dataset, "cardinality", None)
    if not callable(cardinality):
        return None
    count = int(cardinality())
    return count if count >= 0 else None


def batch_order(dataset):
    """What knows the batches of a dataset, None where nothing does.

    A dataset may have been mapped, repeated or given options since it was
    built.

    Args:
        dataset: `tf.data.Dataset`, or what else Keras trains on.

    Returns:
        An object as `semmatch.data.batch_order.BatchOrder`, or None.
    """
    return getattr(batch_dataset(dataset), "batch_order", None)


def batch_dataset(dataset):
    """The dataset that makes the batches, behind what keeps them.

    Args:
        dataset: `tf.data.Dataset`, or what else Keras trains on.
    """
    while not hasattr(dataset, "batch_order"):
        if type(dataset).__name__ not in _SAME_BATCHES:
            break
        [dataset] = dataset._inputs()
    return dataset
