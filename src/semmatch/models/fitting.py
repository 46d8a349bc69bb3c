"""Keras's `fit` with what every training here has around it."""

import keras

from semmatch.models.raw_texts import raw_dataset
from semmatch.training.callbacks import validation_callbacks
from semmatch.training.guards import TrainingGuard


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
    kwargs.setdefault("shuffle", False)
    callbacks = keras.tree.flatten(kwargs.pop("callbacks", None) or [])
    before = None
    if validation is None:
        callbacks.append(TrainingGuard())
    else:
        before, callbacks = validation_callbacks(
            model,
            validation,
            callbacks,
            restore_best_weights,
            steps=kwargs.get("validation_steps"),
        )
    history = keras_fit(
        train, validation_data=validation, callbacks=callbacks, **kwargs
    )
    history.before = before
    return history
