"""The trainings of `distill.py`: students, recipes, one training each."""

import json
import time

import keras
import numpy as np
from qa_corpus import write_json

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import distillation_dataset
from semmatch import DistillationModel
from semmatch import LayerMatch
from semmatch import pair_dataset
from semmatch import Pairs
from semmatch import teacher_scores
from semmatch.data import recombine_pairs
from semmatch.losses import CosineMSE
from semmatch.models import student_from
from semmatch.training import AdamW
from semmatch.training import LinearWarmup

# Steps whose time says little: the first ones compile.
WARM_UP = 30

# Arguments of `DistillationModel`, and what else a recipe changes.
RECIPES = {
    "alone": None,
    "kd-1": {"temperature": 1.0},
    "kd-2": {"temperature": 2.0},
    "kd-4": {"temperature": 4.0},
    "kd-8": {"temperature": 8.0},
    "soft-1": {"temperature": 1.0, "hard_loss_weight": 0.0},
    "soft-2": {"temperature": 2.0, "hard_loss_weight": 0.0},
    "soft-4": {"temperature": 4.0, "hard_loss_weight": 0.0},
    "online": {"online": True},
    "hidden": {"online": True, "matches": [LayerMatch()]},
    "attention": {
        "online": True,
        "matches": [LayerMatch("attention", "last", "kl")],
    },
    "cut": {"temperature": 2.0, "layers": "first"},
    "uniform": {"temperature": 2.0, "layers": "uniform"},
    "augmented": {"temperature": 2.0, "augmented": True},
    "attacked": {"temperature": 2.0, "compile": {"adversarial_epsilon": 0.5}},
    "augmented-attacked": {
        "temperature": 2.0,
        "augmented": True,
        "compile": {"adversarial_epsilon": 0.5},
    },
    # Of a student of vectors.
    "order": {},
    "order-augmented": {"augmented": True},
    "cosine": {"soft_loss": CosineMSE()},
    "cosine-augmented": {"soft_loss": CosineMSE(), "augmented": True},
}
FURTHER = ("online", "layers", "augmented", "compile")


def finished(recipe, seed, options, splits, teacher):
    """One training, made unless it is there.

    Returns:
        Scores of valid and test as a dict, and pairs a second.
    """
    size = f"{options.num_layers or 'all'}x{options.hidden_dim or 'all'}"
    work = f"{len(splits['train'])}x{options.epochs}x{options.learning_rate:g}"
    if RECIPES[recipe] and RECIPES[recipe].get("augmented"):
        work += f"+{options.num_pairs or 'all'}"
    name = f"{options.student}-{size}x{work}"
    folder = options.out / name / f"{recipe}-{seed}"
    if not (folder / "result.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        speed = train(recipe, seed, options, splits, teacher, folder)
        write_json(folder / "result.json", {"pairs_per_second": speed})
    speed = json.loads((folder / "result.json").read_text())
    scores = {
        name: np.load(folder / f"{name}.npy") for name in ("valid", "test")
    }
    return scores, speed["pairs_per_second"]


def train(recipe, seed, options, splits, teacher, folder):
    """Trains one student; returns its pairs a second, writes its scores."""
    keras.utils.set_random_seed(seed)
    settings = dict(RECIPES[recipe] or {})
    further = {name: settings.pop(name, None) for name in FURTHER}
    model = student = make_student(options, teacher, further["layers"])
    batches = {"batch_size": 64, "shuffle": True, "seed": seed}
    if recipe == "alone":
        train_set = pair_dataset(
            splits["train"], student.preprocessor, **batches
        )
    else:
        # In the precision of the training, which is faster; figures of the
        # teacher itself are of float32.
        fast = load_teacher(options, options.dtype)
        online = further["online"]
        model = DistillationModel(fast if online else None, student, **settings)
        pairs = [splits["train"]]
        if further["augmented"]:
            more = recombine_pairs(
                splits["train"], num_pairs=options.num_pairs, seed=seed
            )
            pairs.append(more)
        scores = None
        if not online:
            file = options.out / "teacher.npz"
            scores = teacher_scores(fast, _together(pairs), file)
        train_set = distillation_dataset(
            pairs, model.preprocessor, scores, **batches
        )
    steps = int(train_set.cardinality()) * options.epochs
    model.compile(
        AdamW(LinearWarmup(options.learning_rate, steps)),
        **(further["compile"] or {}),
    )
    clock = Clock()
    model.fit(
        train_set,
        epochs=options.epochs,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup"),
            clock,
        ],
        verbose=2,
    )
    student.save_to_preset(folder / "preset")
    # Figures are those of the float32 model, which is what is exported.
    student = type(student).from_preset(folder / "preset", dtype="float32")
    for split in ("valid", "test"):
        np.save(folder / f"{split}.npy", student.score(splits[split]))
    # A training of few steps has no others.
    steps = clock.seconds[WARM_UP:] or clock.seconds
    return 64 / np.mean(steps)


def load_teacher(options, dtype):
    return CrossEncoder.from_preset(
        options.teacher, sequence_length=options.sequence_length, dtype=dtype
    )


def make_student(options, teacher, layers):
    """The first layers of the encoder, layers of the teacher, or fresh ones."""
    if options.hidden_dim is not None:
        return student_from(
            teacher,
            options.num_layers,
            hidden_dim=options.hidden_dim,
            dtype=options.dtype,
        )
    if layers is not None:
        count = options.num_layers or teacher.backbone.num_layers
        if layers == "uniform":
            step = teacher.backbone.num_layers / count
            count = [round((place + 1) * step) - 1 for place in range(count)]
        return student_from(teacher, count, dtype=options.dtype)
    arguments = {
        "num_layers": options.num_layers,
        "sequence_length": options.sequence_length,
        "pooling": "mean",
        "dtype": options.dtype,
    }
    if options.student == "bi-encoder":
        return BiEncoder.from_preset(options.preset, **arguments)
    return CrossEncoder.from_preset(options.preset, num_classes=1, **arguments)


class Clock(keras.callbacks.Callback):
    """The seconds of each step."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def _together(pairs):
    return Pairs(
        [text for part in pairs for text in part.text_a],
        [text for part in pairs for text in part.text_b],
    )
