"""A program that trains as one of several workers, or as one process alone.

Which of them it is says TF_CONFIG, which `semmatch launch` sets.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np

from semmatch import BiEncoder
from semmatch import distillation_dataset
from semmatch import DistillationModel
from semmatch import LayerMatch
from semmatch import pair_dataset
from semmatch import Pairs
from semmatch import triplet_dataset
from semmatch import Triplets
from semmatch._launch import launch
from semmatch.losses import InfoNCE
from semmatch.models import BiEncoderPreprocessor
from semmatch.models.raw_texts import raw_dataset
from semmatch.training import AdamW
from semmatch.training import gather_replicas
from semmatch.training import is_chief
from semmatch.training import Resume
from semmatch.training import RunFolder
from semmatch.training import strategy
from semmatch.training.cluster import read_cluster
from tests import checks

# Fifty steps of ten batches each.
EPOCHS = 5
BATCH = 8


def run(part, folder, restarts=0):
    """The status of two workers that do a part of the program."""
    command = [sys.executable, "-m", __name__, part, str(folder)]
    return launch(command, 2, restarts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["equal", "resume"])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    # First of all, and the seeds differ: what must be alike must be made so.
    replicas = strategy()
    assert replicas.num_replicas_in_sync == 2
    keras.utils.set_random_seed(worker())
    if options.part == "equal":
        for kind in KINDS:
            write(options.folder / kind, trained(kind, replicas))
        write(options.folder / "recipe", recipe(replicas, options.folder))
        write(options.folder / "refused", refused(replicas))
    else:
        write(options.folder / "resumed", resumed(replicas, options.folder))


def worker():
    cluster = read_cluster()
    return 0 if cluster is None else cluster.index


def write(path, arrays):
    np.savez(f"{path}-{worker()}.npz", **arrays)


def read(path, place):
    with np.load(f"{path}-{place}.npz") as arrays:
        return dict(arrays)


def figures(model, history, **more):
    """Weights, the figures of each epoch, and what else is asked for."""
    weights = {
        f"weight {place}": weight
        for place, weight in enumerate(model.get_weights())
        if weight.dtype == "float32"
    }
    logs = {
        name: np.array(values, "float32")
        for name, values in history.history.items()
    }
    return {**weights, **logs, **more}


def trained(kind, replicas):
    """What 50 steps of SGD make of a tiny model, and what it says then."""
    return KINDS[kind](replicas)


def quiet_encoder(**kwargs):
    return checks.tiny_encoder(
        num_layers=1, dropout=0.0, attention_dropout=0.0, **kwargs
    )


def fit(model, data, held):
    return model.fit(
        data,
        validation_data=held,
        validation_freq=EPOCHS,
        epochs=EPOCHS,
        verbose=0,
    )


def train_logits(replicas):
    pairs = checks.toy_pairs(77)
    with replicas.scope():
        model = checks.tiny_model(quiet_encoder(), dropout=0.0)
        model.compile(keras.optimizers.SGD(0.1))
    # The last batch has 5 rows, 3 for one worker and 2 for the other.
    data = pair_dataset(
        pairs, model.preprocessor, batch_size=BATCH, shuffle=True, seed=1
    )
    held = pair_dataset(pairs, model.preprocessor, batch_size=32, sort=True)
    history = fit(model, data, held)
    texts = [*zip(pairs.text_a[:5], pairs.text_b[:5], strict=True)]
    return figures(
        model,
        history,
        evaluated=model.evaluate(pairs, batch_size=16, verbose=0),
        predicted=model.predict(Pairs(pairs.text_a, pairs.text_b), verbose=0),
        scores=model.score(texts),
    )


def train_vectors(replicas):
    """By the negatives of all replicas."""
    random = np.random.default_rng(0)
    texts = [
        "".join(random.permutation(list("取消还款借怎么如何")))
        for _ in range(75)
    ]
    others = ["".join(reversed(text)) for text in texts]
    triplets = Triplets(texts, others, [[text[:3]] for text in texts])
    with replicas.scope():
        model = BiEncoder(
            quiet_encoder(),
            BiEncoderPreprocessor.from_texts(texts, sequence_length=16),
        )
        model.compile(
            keras.optimizers.SGD(0.01),
            InfoNCE(symmetric=True, gather=gather_replicas),
            metrics=None,
        )
    data = triplet_dataset(
        triplets, model.preprocessor, batch_size=BATCH, shuffle=True, seed=2
    )
    history = model.fit(data, epochs=EPOCHS, verbose=0)
    held = Pairs(texts, others)
    return figures(
        model,
        history,
        evaluated=model.evaluate(data, verbose=0),
        predicted=model.predict(held, batch_size=16, verbose=0),
        scores=model.score([*zip(texts[:5], others[:5], strict=True)]),
        vectors=model.encode(texts[:3]),
    )


def train_distilled(replicas):
    """By a teacher beside it, with a layer to match; some have no label."""
    pairs = checks.toy_pairs(73)
    with replicas.scope():
        teacher = checks.tiny_model(dropout=0.0)
        student = checks.tiny_model(quiet_encoder(), dropout=0.0)
        model = DistillationModel(
            teacher, student, temperature=1.0, matches=[LayerMatch()]
        )
        model.compile(keras.optimizers.SGD(0.1))
    data = distillation_dataset(
        # The last batch has 1 row, which only one worker gets.
        [pairs[:60], Pairs(pairs.text_a[60:], pairs.text_b[60:])],
        model.preprocessor,
        batch_size=BATCH,
        shuffle=True,
        seed=3,
    )
    history = fit(model, data, pairs)
    texts = [*zip(pairs.text_a[:5], pairs.text_b[:5], strict=True)]
    return figures(
        student,
        history,
        evaluated=model.evaluate(pairs, batch_size=16, verbose=0),
        scores=student.score(texts),
    )


KINDS = {
    "logits": train_logits,
    "vectors": train_vectors,
    "distilled": train_distilled,
}


def recipe(replicas, folder):
    """As one trains: AdamW, averages, bfloat16, raw texts, checkpoints."""
    pairs = checks.toy_pairs(70)
    with replicas.scope():
        model = checks.tiny_model(
            checks.tiny_encoder(dtype="mixed_bfloat16", dropout=0.1)
        )
        model.compile(AdamW(1e-2, use_ema=True, ema_momentum=0.8))
    checkpoint = folder / f"checkpoint-{worker()}.weights.h5"
    history = model.fit(
        pairs,
        validation_data=pairs,
        batch_size=16,
        epochs=2,
        verbose=0,
        callbacks=[
            keras.callbacks.ModelCheckpoint(checkpoint, save_weights_only=True)
        ],
    )
    if is_chief():
        model.save_to_preset(folder / "preset")
        model.save(folder / "model.keras")
    # Each worker draws one, and all take the same.
    drawn = raw_dataset(model, pairs, None, 16, order="shuffle")
    return figures(
        model,
        history,
        scores=model.score([("取消", "还款")]),
        seed=drawn.batch_order.seed,
    )


def refused(replicas):
    """What a worker is told that begins with other weights, or other data."""
    pairs = checks.toy_pairs(16)
    with replicas.scope():
        model = checks.small_model()
    data = pair_dataset(pairs, model.preprocessor, shuffle=True, seed=worker())
    messages = {"data": refusal(model, data)}
    head = model.get_layer("head")
    head.trainable = False
    head.set_weights([weight + worker() for weight in head.get_weights()])
    return {**messages, "weights": refusal(model, pairs)}


def refusal(model, data):
    try:
        model.fit(data, verbose=0)
    except ValueError as error:
        return str(error)


def resumed(replicas, folder):
    """Three epochs of three batches; worker 1 is killed once after five."""
    pairs = checks.toy_pairs(40)
    with replicas.scope():
        model = checks.small_model()
        # An epsilon that a rounded gradient of zero does not reach.
        model.compile(AdamW(1e-2, epsilon=1e-3, use_ema=True, ema_momentum=0.5))
    data = pair_dataset(
        pairs, model.preprocessor, batch_size=16, shuffle=True, seed=4
    )
    began = []
    callbacks = [
        Resume(folder / "checkpoints", every=2),
        RunFolder(folder / "run"),
        keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: began.append(epoch),
            on_train_batch_begin=lambda batch, logs: (
                began == [0, 1] and batch == 2 and die_once(folder)
            ),
        ),
    ]
    history = model.fit(data, epochs=3, callbacks=callbacks, verbose=0)
    return {**figures(model, history), "began": began}


def die_once(folder):
    """Ends worker 1 the first time that it comes here, without a word."""
    marker = folder / "killed"
    if worker() == 1 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
