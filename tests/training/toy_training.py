"""A training of a moment: a tiny Keras model with dropout on packed pairs."""

import keras
import numpy as np

from semmatch.data import pair_dataset
from semmatch.layers import Dropout
from semmatch.models.fitting import guarded_fit
from semmatch.training import AdamW
from semmatch.training.replicated_model import ReplicatedModel
from tests.checks import tiny_preprocessor
from tests.checks import to_numpy
from tests.checks import toy_pairs

PREPROCESSOR = tiny_preprocessor()
PAIRS = toy_pairs(70)  # four batches of 16, and one of 6
STEPS = 5


class ToyModel(ReplicatedModel, keras.Sequential):
    """As models of pairs are, and nothing of a text."""


def toy_model(rate=0.3, optimizer=None, **kwargs):
    """Compiled; its weights are a function of Keras's global seed."""
    model = ToyModel(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(64, 4),
            keras.layers.GlobalAveragePooling1D(),
            Dropout(rate),
            keras.layers.Dense(1),
        ]
    )
    model.compile(
        optimizer or AdamW(0.05, use_ema=True, ema_momentum=0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
        **{"metrics": ["accuracy"], **kwargs},
    )
    return model


def toy_data(pairs=PAIRS, **kwargs):
    options = {"batch_size": 16, "shuffle": True, **kwargs}
    dataset = pair_dataset(pairs, PREPROCESSOR, **options)
    # What users do to datasets, too.
    return dataset.map(lambda x, *labels: (x["token_ids"], *labels)).prefetch(1)


def fit(model, data, *callbacks, epochs=2, **options):
    """`fit` as the models of pairs have it."""
    return guarded_fit(
        model,
        model.fit,
        data,
        None,
        True,
        callbacks=list(callbacks),
        epochs=epochs,
        **{"verbose": 0, **options},
    )


class Crash(keras.callbacks.Callback):
    """Ends the program after a batch, as an interrupt from the keyboard."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


class Batches(keras.callbacks.Callback):
    """Notes where a training has been, and of which step it began."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.began = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self.began is None:
            self.began = int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((self.epoch, batch))


def all_values(model):
    """Weights, seeds and what the optimizer holds."""
    variables = [*model.variables, *model.optimizer.variables]
    return [to_numpy(variable) for variable in variables]


def assert_same_values(one, other):
    """Bit for bit."""
    for a, b in zip(all_values(one), all_values(other), strict=True):
        np.testing.assert_array_equal(a, b)
