"""Goes on with a training that was killed, as if it had not been."""

import contextlib
import warnings

import keras
import numpy as np

from semmatch._checks import check_positive_int
from semmatch.training.checkpoint_files import CheckpointFiles
from semmatch.training.disk import check_folder
from semmatch.training.disk import local_folder
from semmatch.training.disk import num_bytes
from semmatch.training.disk import state
from semmatch.training.resume_checks import check_resumable
from semmatch.training.resume_checks import check_same_training
from semmatch.training.run import num_batches
from semmatch.training.run import RunCallback
from semmatch.training.run_record import run_record
from semmatch.training.training_state import read_callbacks
from semmatch.training.training_state import read_random
from semmatch.training.training_state import read_variables
from semmatch.training.training_state import write_callbacks
from semmatch.training.training_state import write_random
from semmatch.training.training_state import write_variables
from semmatch.training.worker_steps import common_step
from semmatch.training.worker_steps import every_worker
from semmatch.training.worker_steps import worker_folder

# As often as a checkpoint is on the disk, one that is being written included.
_COPIES = 3


class Resume(RunCallback):
    """Keeps checkpoints, and goes on from the last one after a crash.

    One line: give it to `fit`, and after a crash run the same program again.

        model.fit(train, epochs=3, callbacks=[Resume("checkpoints", 500)])

    The program builds the same model and the same dataset and calls the same
    `fit`; that finds the checkpoint, takes up weights, dropout seeds, the
    optimizer with its averages, metrics, what other callbacks remember, and
    the generators of Python and numpy, and goes on with the next batch. The
    batches before are not made again: the order of a dataset of
    `pair_dataset`, `triplet_dataset`, `distillation_dataset` or
    `record_dataset` is a function of its seed and of a number of batches,
    which the checkpoint holds. Raw texts are as good, and so is a dataset
    that was mapped or repeated since. In float32 the weights at the end are,
    bit for bit, those of a training that was not interrupted.

    A checkpoint is written at the end of each epoch but the last, after its
    validation, and every so many batches; the process may be killed at any
    time, also while it writes. At the end of the training all are deleted, so
    that another `fit` begins anew: save the model right after. If the loss or
    the weights become NaN, they stay.

    Several workers of `tf.distribute` have a folder each, `worker-0` and so
    on, in this one, and go on from the last step that all of them have.

    Not restored are TensorFlow's own stateful generators (`tf.random.normal`
    without a seed), and what a callback of one's own remembers, unless it
    names the attributes in a tuple `remembered`. `CSVLogger` needs
    `append=True`; `RunFolder` needs nothing.

    Args:
        folder: path; one folder for one training.
        every: int or None, batches from one checkpoint to the next, over all
            epochs; None for checkpoints at the ends of epochs alone.

    Raises:
        ValueError: in `fit`, if the folder has a checkpoint of another model,
            optimizer, loss or data, and for a dataset whose batches cannot be
            found again.
            A folder of a remote store, `gs://`, is refused too.
        OSError: in `fit`, before the training, if the folder cannot be
            written to or its disk has too little room.

    >>> Resume("checkpoints", every=500).every
    500
    """

    def __init__(self, folder, every=None):
        super().__init__()
        self.folder = local_folder(folder, "`Resume`")
        self.every = None
        if every is not None:
            self.every = check_positive_int(every, "every")
        # A part of its work comes before the other callbacks'.
        self.opening = _Opening(self)
        self._run = None

    def prepare(self, run):
        check_resumable(run, self.every)
        if run.options.get("steps_per_epoch") and num_batches(run.train):
            # Else Keras would cut an epoch short where the data end.
            run.train = run.train.repeat()
        run.folder = run.folder or self.folder
        self._run = run
        self._files = CheckpointFiles(worker_folder(run.model, self.folder))
        _build_optimizer(run.model)
        missing = max(1, _COPIES - len(self._files.steps()))
        room = missing * _size(run)
        check_folder(self._files.folder, room, "`Resume`")
        self._record = run_record(run)
        self._found = self._last_checkpoint()
        if self._found is not None:
            self._take_position(self._found[1])
            _build_metrics(run)

    def on_train_begin(self, logs=None):
        if self._run is None:
            raise RuntimeError(
                "`Resume` has to know the data, which Keras does not show to "
                "callbacks. Pass it to `fit` of a `CrossEncoder`, a "
                "`BiEncoder` or a `DistillationModel`."
            )
        # What cannot be kept is told before the first step.
        read_callbacks(self._run.callbacks)
        self._write_callbacks()

    def on_epoch_begin(self, epoch, logs=None):
        run = self._run
        self._epoch = epoch
        self._done = run.number(epoch, 0)
        if epoch != run.first_epoch:
            self._save(self._done)
        elif self._found is not None:
            arrays, record = self._found
            # Again: the checkpoint came after the beginning of this epoch,
            # with what other callbacks did to the model in it.
            write_variables(self.model, arrays, ("model", "optimizer"))
            self._write_callbacks()
            if run.passed:
                # Keras has just set them to zero.
                write_variables(self.model, arrays, ("metrics",))
            write_random(record["random"])
            self._found = None

    def on_train_batch_end(self, batch, logs=None):
        run, before = self._run, self._done
        self._done = run.number(self._epoch, batch) + 1
        # Not `self.model`, which on JAX takes the state out of the training.
        if run.model.stop_training:
            return  # for which others have their reasons
        if self._done % run.steps == 0:
            # Keras counts the batches passed over as still to come.
            if run.passed and self._epoch == run.first_epoch:
                run.model.stop_training = self.opening.ends_epoch = True
        elif self.every and self._done // self.every > before // self.every:
            self._save(self._done)

    def on_train_end(self, logs=None):
        run, self._run = self._run, None
        failed = any(getattr(x, "diverged", False) for x in run.callbacks)
        # Those of several workers go when all are here.
        if every_worker(run.model, not failed):
            self._files.delete()

    def _write_callbacks(self):
        if self._found is not None:
            arrays, record = self._found
            write_callbacks(self._run.callbacks, arrays, record["callbacks"])

    def _last_checkpoint(self):
        """Arrays and record of the last one, None if there is none."""
        step = common_step(self._run.model, self._files.readable())
        if step is None:
            return None
        arrays, record = self._files.read(step)
        check_same_training(record, self._record, self._run, self._files.folder)
        return arrays, record

    def _take_position(self, record):
        run = self._run
        run.options["initial_epoch"] = record["epoch"]
        run.passed = record["batch"]
        run.start = record["start"]
        run.order.seed = record["seed"]

    def _save(self, done):
        run = self._run
        epoch, batch = divmod(done, run.steps)
        arrays, remembered = read_callbacks(run.callbacks)
        values = read_variables(self.model)
        if not _is_finite(values):
            return  # the loss of the next batch ends the training
        arrays |= values
        record = {
            "epoch": epoch,
            "batch": batch,
            "start": run.start,
            "seed": run.order.seed,
            "training": self._record,
            "callbacks": remembered,
            "random": read_random(),
        }
        try:
            self._files.write(done, arrays, record)
            written = True
        except OSError as error:
            written = False
            # Days of training are worth more than one checkpoint.
            warnings.warn(
                f"The checkpoint of batch {batch} of epoch {epoch + 1} could "
                f"not be written, and the training goes on: {error}. Free "
                f"some room in {self._files.folder}; until then a crash costs "
                "what came after the checkpoint before.",
                stacklevel=2,
            )
        if every_worker(run.model, written):
            self._files.prune(done)
        elif written:
            # What is of all workers alone can be gone on from.
            self._files.drop(done)


class _Opening(keras.callbacks.Callback):
    """What `Resume` does before all other callbacks."""

    def __init__(self, resume):
        super().__init__()
        self.resume = resume
        self.ends_epoch = False

    def on_train_begin(self, logs=None):
        self.ends_epoch = False
        if self.resume._found is not None:
            arrays, _ = self.resume._found
            write_variables(self.model, arrays, ("model", "optimizer"))

    def on_test_begin(self, logs=None):
        self._go_on()

    def on_epoch_end(self, epoch, logs=None):
        self._go_on()

    def _go_on(self):
        # The training was stopped to end an epoch, and not itself.
        if self.ends_epoch:
            self.model.stop_training = self.ends_epoch = False


def _is_finite(values):
    return all(
        np.isfinite(array).all()
        for name, array in values.items()
        if name.startswith("model/")
    )


def _build_optimizer(model):
    if not model.optimizer.built:
        with _scope(model):
            model.optimizer.build(model.trainable_variables)


def _build_metrics(run):
    """What runs eagerly builds its metrics in the first step, else `fit`."""
    model = run.model
    if run.passed and model.run_eagerly and not _strategy(model):
        run.order.next_batch = run.start + run.number(run.first_epoch, 0)
        x, *labels = next(iter(run.train))
        model.test_on_batch(x, *labels)
        model.reset_metrics()


def _strategy(model):
    return getattr(model, "_distribute_strategy", None)


def _scope(model):
    strategy = _strategy(model)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def _size(run):
    """The bytes of a checkpoint, about."""
    size = num_bytes(state(run.model))
    if run.validation is not None:
        # The weights of the best epoch.
        size += num_bytes(run.model.trainable_variables)
    return size + 2**20
