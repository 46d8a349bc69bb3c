"""Kills a training at random, again and again, and compares how it ends.

    python benchmarks/kill_test.py
    python benchmarks/kill_test.py --dtype mixed_bfloat16 --inter-op 1
    python benchmarks/kill_test.py --preset ../shared/models/e5-small-zh \\
        --data ../shared/data/qa_corpus --limit 2000

One training runs through. Then the same one runs with a `Resume` callback; as
soon as it has reached a random step, and after a random part of a second
more, its process is killed with SIGKILL and started again, until it ends.
It must go on from the checkpoint before the kill. Weights, dropout seeds and
what the optimizer holds are compared bit for bit, and so are the figures of the
epochs. `--runs 2` lets two trainings run
through and compares these as well: in bfloat16 they differ between themselves
unless TensorFlow has one thread between operations (`--inter-op 1`).

The exit status is 1 if the killed training ended otherwise.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# What a training says of each step, on its standard output.
STEP = "step "


def main(arguments=None):
    options = parser().parse_args(arguments)
    if options.train is not None:
        train(options)
        return 0
    with tempfile.TemporaryDirectory() as root:
        return compare(options, Path(root))


def compare(options, root):
    """Runs all trainings; 0 if the killed one ended as the first one did."""
    first = run_through(options, root / "first")
    print(
        f"uninterrupted: {first['steps']} steps, loss "
        f"{first['history']['loss'][-1]:.6f}",
        flush=True,
    )
    for number in range(1, options.runs):
        folder = root / f"again-{number}"
        run_through(options, folder)
        print(
            "another uninterrupted one: "
            f"{verdict(*difference(root / 'first', folder))}",
            flush=True,
        )
    kills = run_killed(options, root / "killed", first["steps"])
    place, equal = difference(root / "first", root / "killed")
    print(
        f"{kills['count']} kills, {kills['writing']} of them while a "
        f"checkpoint was written: {verdict(place, equal)}"
    )
    return 0 if equal else 1


def verdict(place, equal):
    return "the same, bit for bit" if equal else f"other values of {place}"


def run_through(options, folder):
    with start(options, folder) as process:
        for _ in process.stdout:
            pass
    check(process, folder)
    return read(folder)


def run_killed(options, folder, steps):
    """Trains and kills until the training ends.

    Returns:
        A dict of the count of kills, and of those while something was being
        written.
    """
    generator = random.Random(options.seed)
    targets = sorted(
        generator.randrange(1, steps) for _ in range(options.kills)
    )
    unfinished = folder / "checkpoints" / "unfinished"
    count = writing = left = saved = 0
    while count < options.kills:
        with start(options, folder, resumes=True) as process:
            first, last = reach(process, targets[count])
            time.sleep(generator.random() * options.delay)
            process.send_signal(signal.SIGKILL)
        if first is not None and first <= saved:
            raise SystemExit(
                f"A training began with step {first}, and had a checkpoint of "
                f"step {saved}."
            )
        if process.returncode != -signal.SIGKILL:
            # It had ended before; the next one begins anew.
            check(process, folder)
            continue
        count += 1
        # That of the last step may not have been written.
        saved = (last - 1) // options.every * options.every
        # That of an earlier kill stays until the next one is written.
        before, left = left, changed(unfinished)
        wrote = left not in (0, before)
        writing += wrote
        print(
            f"kill {count}: begun with step {first}, after step {last}"
            f"{', while it wrote' if wrote else ''}",
            flush=True,
        )
    with start(options, folder, resumes=True) as process:
        for _ in process.stdout:
            pass
    check(process, folder)
    return {"count": count, "writing": writing}


def changed(path):
    """When a file was written, 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


def reach(process, target):
    """The first step of a process, and the one that it has reached.

    None for one that it did not come to.
    """
    first = None
    for line in process.stdout:
        if line.startswith(STEP):
            step = int(line.removeprefix(STEP))
            first = first or step
            if step >= target:
                return first, step
    return first, None


def start(options, folder, resumes=False):
    folder.mkdir(exist_ok=True)
    command = [sys.executable, __file__, "--train", folder]
    for name in ("preset", "data", "limit", "inter_op"):
        value = getattr(options, name)
        if value is not None:
            command += [f"--{name.replace('_', '-')}", value]
    for name in ("dtype", "epochs", "batch_size", "every"):
        command += [f"--{name.replace('_', '-')}", getattr(options, name)]
    if resumes:
        command.append("--resume")
    # In a file, since a pipe that nobody reads would stop the training.
    with open(folder / "errors.txt", "ab") as errors:
        return subprocess.Popen(
            list(map(str, command)),
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def check(process, folder):
    if process.returncode != 0:
        errors = (folder / "errors.txt").read_text(errors="replace")
        raise SystemExit(f"A training failed:\n{errors[-4000:]}")


def difference(one, other):
    """The first place in which two trainings differ, and whether none does."""
    import numpy as np

    with (
        np.load(one / "values.npz") as before,
        np.load(other / "values.npz") as after,
    ):
        for name in before:
            if before[name].tobytes() != after[name].tobytes():
                return name, False
    histories = [read(folder)["history"] for folder in (one, other)]
    if histories[0] != histories[1]:
        return "the figures of epochs", False
    return None, True


def read(folder):
    return json.loads((folder / "end.json").read_text())


def train(options):
    """One training, of a process that may be killed."""
    import tensorflow as tf

    if options.inter_op is not None:
        tf.config.threading.set_inter_op_parallelism_threads(options.inter_op)
    import keras
    import numpy as np

    from semmatch import pair_dataset
    from semmatch.training import AdamW
    from semmatch.training import Resume

    class Says(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            print(f"{STEP}{int(self.model.optimizer.iterations)}", flush=True)

    keras.utils.set_random_seed(0)
    model, pairs, held = model_and_data(options)
    data = pair_dataset(
        pairs, model.preprocessor, batch_size=options.batch_size, shuffle=True
    )
    model.compile(AdamW(1e-4, use_ema=True, ema_momentum=0.9))
    callbacks = [Says()]
    if options.resume:
        folder = options.train / "checkpoints"
        callbacks.append(Resume(folder, options.every))
    history = model.fit(
        data,
        validation_data=held,
        epochs=options.epochs,
        callbacks=callbacks,
        verbose=0,
    )
    values = {
        f"{place} {variable.path}": np.array(variable)
        for place, variable in enumerate(
            [*model.variables, *model.optimizer.variables]
        )
    }
    np.savez(
        options.train / "values.npz",
        **{name.replace("/", "."): value for name, value in values.items()},
    )
    end = {
        "steps": int(model.optimizer.iterations),
        "history": history.history,
    }
    (options.train / "end.json").write_text(json.dumps(end))


def model_and_data(options):
    from semmatch import CrossEncoder
    from semmatch import load_faq
    from semmatch import read_pairs
    from semmatch import TextEncoder
    from semmatch.models import CrossEncoderPreprocessor

    if options.data is None:
        faq = load_faq("zh")
        pairs, held = faq.pairs("train"), faq.pairs("valid")
    else:
        pairs = read_pairs(f"{options.data}/train")
        held = read_pairs(f"{options.data}/valid")
    pairs, held = pairs[: options.limit], held[: options.limit]
    if options.preset is not None:
        model = CrossEncoder.from_preset(
            options.preset, num_classes=1, dtype=options.dtype
        )
        return model, pairs, held
    preprocessor = CrossEncoderPreprocessor.from_texts(
        [*pairs.text_a, *pairs.text_b], sequence_length=64
    )
    encoder = TextEncoder(
        preprocessor.tokenizer.vocabulary_size,
        *(2, 4, 64, 128),
        dtype=options.dtype,
    )
    return CrossEncoder(encoder, preprocessor), pairs, held


def parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    parser.add_argument(
        "--delay",
        type=float,
        default=0.5,
        help="seconds, at most, from a step to the kill",
    )
    parser.add_argument(
        "--runs", type=int, default=1, help="trainings that are not killed"
    )
    parser.add_argument(
        "--every", type=int, default=5, help="batches between checkpoints"
    )
    parser.add_argument("--preset", help="None for a tiny model")
    parser.add_argument("--data", help="None for the sample FAQ")
    parser.add_argument("--limit", type=int, help="pairs of a split")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument(
        "--inter-op", type=int, help="TensorFlow's threads between operations"
    )
    # Of the processes that this one starts.
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--resume", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
