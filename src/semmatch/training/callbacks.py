"""The callbacks of a training with validation data, in their order."""

import sys

import keras
import numpy as np

from semmatch.training.guards import TrainingGuard

# Of the validation data, for the guard to look at.
_SAMPLED_BATCHES = 4


def validation_callbacks(model, dataset, callbacks, restore, steps=None):
    """Evaluates a model before its training, of which others watch the rest.

    Args:
        model: a compiled model with a `scoring`.
        dataset: the validation data.
        callbacks: list of those that were asked for.
        restore: bool, whether to end with the weights of the best epoch.
        steps: int or None, batches of an evaluation.

    Returns:
        The guard, which has the figures before the training, and the list of
        callbacks with it. Averaged weights (`use_ema`) are swapped in first,
        so that all others see them. Weights are restored once, by the
        caller's own `EarlyStopping` where it does so.
    """
    swap_class = keras.callbacks.SwapEMAWeights
    before = model.evaluate(dataset, steps=steps, verbose=0, return_dict=True)
    monitor, mode = monitored(model, before)
    # A backup is of the weights that are trained, not of their averages.
    backup = keras.callbacks.BackupAndRestore
    first = [c for c in callbacks if isinstance(c, backup)]
    callbacks = [c for c in callbacks if not isinstance(c, backup)]
    last = []
    if getattr(model.optimizer, "use_ema", False) and not any(
        isinstance(callback, swap_class) for callback in callbacks
    ):
        swap = swap_class(swap_on_epoch=True)
        first.append(swap)
        last.append(_KeepAverages(swap))
    if restore and not any(
        isinstance(callback, keras.callbacks.EarlyStopping)
        and callback.restore_best_weights
        for callback in callbacks
    ):
        last.insert(0, _BestWeights(f"val_{monitor}", mode))
    guard = TrainingGuard(
        before, monitor, mode, _num_examples(dataset), _sampler(model, dataset)
    )
    # Before all who look at the figures, which it sets to NaN where they are
    # of such weights.
    return guard, [*first, guard, *callbacks, *last]


class _BestWeights(keras.callbacks.EarlyStopping):
    """Never stops: it only keeps the best weights, of epochs with a figure."""

    def __init__(self, monitor, mode):
        super().__init__(
            monitor,
            mode=mode,
            patience=sys.maxsize,
            restore_best_weights=True,
        )

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor in (logs or {}):
            super().on_epoch_end(epoch, logs)


class _KeepAverages(keras.callbacks.Callback):
    """Finishes the averages of a training that another callback stops.

    Keras does so after the last of the epochs that were asked for, and else
    ends with the weights before the average.
    """

    def __init__(self, swap):
        super().__init__()
        self.swap = swap

    def on_epoch_end(self, epoch, logs=None):
        if self.model.stop_training:
            self.swap._finalize_ema_values()


def monitored(model, figures):
    """The figure by which epochs are compared, and which one is better.

    Args:
        model: a compiled Keras model that was evaluated once.
        figures: dict of what `evaluate` returned.

    Returns:
        Name and mode: the first metric of one number that knows its direction
        (`"max"` for accuracy), else `("loss", "min")`.
    """
    for metric in model.metrics:
        for inner in getattr(metric, "metrics", [metric]):
            direction = getattr(inner, "_direction", None)
            known = inner.name in figures and np.ndim(figures[inner.name]) == 0
            if known and direction in ("up", "down"):
                return inner.name, "max" if direction == "up" else "min"
    return "loss", "min"


def _num_examples(dataset):
    """Examples of a dataset, a last batch counted as whole; None if unknown."""
    import tensorflow as tf

    if not isinstance(dataset, tf.data.Dataset):
        return None
    batches = int(dataset.cardinality())
    if batches < 1:
        return None
    _, label, *_ = next(iter(dataset))
    return batches * len(label)


def _sampler(model, dataset):
    """What `TrainingGuard` calls for labels and scores; None if it cannot."""
    import tensorflow as tf

    if not isinstance(dataset, tf.data.Dataset):
        return None

    # Spread over the data, which may be in the order of length or of label.
    batches = int(dataset.cardinality())
    parts = dataset.shard(max(1, batches // _SAMPLED_BATCHES), 0)

    def sample():
        labels, scores = [], []
        for features, label, *_ in parts.take(_SAMPLED_BATCHES):
            # Not by `predict`, which on JAX takes the arrays that averaged
            # weights share with the optimizer.
            label, logits = model.labelled_logits(label, model(features))
            logits = keras.ops.convert_to_numpy(logits)
            scores.append(model.scoring.scores(logits))
            labels.append(keras.ops.convert_to_numpy(label))
        return np.concatenate(labels), np.concatenate(scores)

    return sample
