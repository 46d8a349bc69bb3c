"""Keras's `fit` with what every training here has around it."""

import keras

from semmatch.models.raw_texts import raw_dataset
from semmatch.training.callbacks import validation_callbacks
from semmatch.training.data_parallel import check_shared_out
from semmatch.training.disk import check_callback_folders
from semmatch.training.guards import TrainingGuard
from semmatch.training.multi_worker import is_multi_worker
from semmatch.training.progress import ProgressBar
from semmatch.training.resume import Resume
from semmatch.training.run import DataPosition
from semmatch.training.run import keep_batches
from semmatch.training.run import RunCallback
from semmatch.training.run import training_run
from semmatch.training.same_start import SameStart


def validation_dataset(model, validation_data, batch_size):
    """What a training is validated on, as a dataset.

    Args:
        model: `MatchingTask`.
        validation_data: None, as of `keras.Model.fit`, or raw texts.
        batch_size: int or None for 64.
    """
    if validation_data is None:
        return None
    if not isinstance(validation_data, tuple):
        validation_data = (validation_data, None)
    texts, labels, *weight = validation_data
    return raw_dataset(model, texts, labels, batch_size, *weight, order="sort")


def guarded_fit(
    model, keras_fit, train, validation, restore_best_weights, **kwargs
):
    """Trains; with validation data, evaluates once before the first step.

    Args:
        model: a compiled Keras model with a `scoring` and `labelled_logits`.
        keras_fit: `fit` of its base class, bound to it.
        train: dataset.
        validation: dataset or None.
        restore_best_weights: bool.
        **kwargs: as of `keras.Model.fit`.

    Returns:
        `keras.callbacks.History`; its attribute `before` has the validation
        figures before the first step, None without them.
    """
    # Datasets come shuffled; Keras would warn that it cannot.
    options = {"shuffle": False, **kwargs}
    callbacks = keras.tree.flatten(options.pop("callbacks", None) or [])
    check_callback_folders(callbacks, model)
    for dataset in (train, validation):
        check_shared_out(dataset)
    run = training_run(model, train, validation, options)
    _prepare(callbacks, run)
    keep_batches(run)
    if validation is None:
        guard = TrainingGuard()
        callbacks.append(guard)
    else:
        guard, callbacks = validation_callbacks(
            model,
            validation,
            callbacks,
            restore_best_weights,
            steps=kwargs.get("validation_steps"),
        )
    guard.prepare(run)
    run.callbacks = _arranged(callbacks, run)
    history = keras_fit(
        run.train,
        validation_data=validation,
        callbacks=run.callbacks,
        **options,
    )
    history.before = guard.before
    return history


def _prepare(callbacks, run):
    count = sum(isinstance(callback, Resume) for callback in callbacks)
    if count > 1:
        raise ValueError(
            "A training has one place to go on from. Received: several "
            "`Resume` callbacks. Leave one."
        )
    run.resumes = count == 1
    for callback in list(callbacks):
        if isinstance(callback, RunCallback):
            callback.prepare(run)
            callbacks += callback.companions
        if isinstance(callback, ProgressBar):
            run.options.setdefault("verbose", 0)


def _arranged(callbacks, run):
    """All callbacks, in the order in which they are called."""
    first, last = [], []
    if run.order is not None:
        last.append(DataPosition(run))
    for resume in [one for one in callbacks if isinstance(one, Resume)]:
        callbacks.remove(resume)
        # What there is of logs it keeps as well.
        callbacks.append(keras.callbacks.History())
        first.append(resume.opening)
        last.append(resume)
    strategy = getattr(run.model, "_distribute_strategy", None)
    if strategy is not None and is_multi_worker(strategy):
        last.append(SameStart(strategy, run))
    return [*first, *callbacks, *last]
