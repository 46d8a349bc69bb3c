"""What every public thing promises, over the lists of public things.

A new registered class fails here until `ARGUMENTS` says how to build one; all
else then covers it.
"""

import ast
import importlib
import inspect
from pathlib import Path

import keras
import numpy as np
import pytest

import semmatch
from semmatch.training import LinearWarmup
from tests import checks
from tests.losses.replicas import only_replica

MODULES = sorted(semmatch._SUBMODULES)
for module in MODULES:
    importlib.import_module(f"semmatch.{module}")

# Of each class that Keras can save, arguments that differ from its defaults.
ARGUMENTS = {
    "AdamW": lambda: {
        "learning_rate": LinearWarmup(0.1, 9),
        "epsilon": 1e-6,
        "lazy": False,
        "layer_decay": 0.9,
    },
    "AnglE": lambda: {"scale": 5.0, "name": "order"},
    "AttentionPooling": lambda: {"name": "weighted"},
    "AveragePrecision": lambda: {"num_thresholds": 7},
    "BiEncoder": lambda: {
        "backbone": checks.tiny_encoder(),
        "preprocessor": semmatch.models.BiEncoderPreprocessor(
            checks.tiny_preprocessor().tokenizer, 9
        ),
        "pooling": "last",
        "projection_dim": 4,
        "projection_activation": "tanh",
        "normalize": False,
        "similarity": "dot",
        "scoring": semmatch.Scoring("sigmoid", temperature=2.0),
        "pair_classes": 3,
    },
    "BiEncoderPreprocessor": lambda: {
        "tokenizer": checks.tiny_preprocessor().tokenizer,
        "sequence_length": 9,
        "segments": False,
        "query_prompt": "query: ",
        "passage_prompt": "passage: ",
    },
    "ClsPooling": lambda: {"name": "first"},
    "CoSENT": lambda: {"scale": 5.0, "similarity": "dot", "name": "order"},
    "Contrastive": lambda: {
        "margin": 2.0,
        "similarity": "euclidean",
        "name": "near",
    },
    "CosineMSE": lambda: {"similarity": "dot", "name": "errors"},
    "CrossEncoder": lambda: {
        "backbone": checks.tiny_encoder(),
        "preprocessor": checks.tiny_preprocessor(),
        "num_classes": 3,
        "pooling": "mean",
        "hidden_dim": 4,
        "dropout": 0.3,
        "dropout_samples": 2,
        "scoring": semmatch.Scoring("softmax", temperature=2.0),
    },
    "CrossEntropy": lambda: {"label_smoothing": 0.1, "name": "smooth"},
    "CrossEncoderPreprocessor": lambda: {
        "tokenizer": checks.tiny_preprocessor().tokenizer,
        "sequence_length": 9,
        "truncation": "only_second",
        "segments": False,
    },
    "Dropout": lambda: {"rate": 0.25, "seed": 3},
    "F1": lambda: {"class_id": 1, "num_classes": 3, "threshold": 0.25},
    "InfoNCE": lambda: {
        "temperature": 0.5,
        "symmetric": True,
        "similarity": "dot",
        "gather": only_replica,
        "name": "found",
    },
    "LastTokenPooling": lambda: {"name": "last"},
    "LinearWarmup": lambda: {"peak": 0.1, "total_steps": 9, "warmup": 0.5},
    "ListwiseKL": lambda: {
        "temperature": 2.0,
        "similarity": "dot",
        "scale": 3.0,
        "name": "ranking",
    },
    "LossSum": lambda: {
        "losses": [semmatch.losses.CoSENT(5.0), semmatch.losses.CosineMSE()],
        "weights": [0.5, 2.0],
        "name": "both",
    },
    "MarginMSE": lambda: {"similarity": "cosine", "name": "margins"},
    "Matryoshka": lambda: {
        "loss": semmatch.losses.InfoNCE(0.5, gather=only_replica),
        "dims": [2, 4],
        "weights": [0.5, 2.0],
        "name": "widths",
    },
    "MaxPooling": lambda: {"name": "largest"},
    "MeanPooling": lambda: {"name": "average"},
    "MeanSqrtPooling": lambda: {"name": "root"},
    "MultiSampleDropout": lambda: {"rate": 0.25, "samples": 3, "seed": 3},
    "OnlineContrastive": lambda: {
        "margin": 2.0,
        "similarity": "euclidean",
        "name": "hard",
    },
    "PairHead": lambda: {"num_classes": 3},
    "Precision": lambda: {"average": "macro", "threshold": 0.25},
    "RDrop": lambda: {"weight": 2.0, "label_smoothing": 0.1, "name": "r"},
    "Recall": lambda: {"average": "macro", "threshold": 0.25},
    "SimCSE": lambda: {
        "temperature": 0.5,
        "symmetric": True,
        "similarity": "dot",
        "gather": only_replica,
        "name": "twice",
    },
    "SoftTargetKL": lambda: {"temperature": 2.0, "name": "soft"},
    "Spearman": lambda: {"label_range": (0.0, 5.0), "num_bins": 7},
    "TextEncoder": lambda: {
        "vocabulary_size": 9,
        "num_layers": 1,
        "num_heads": 2,
        "hidden_dim": 4,
        "intermediate_dim": 6,
        "dropout": 0.2,
        "attention_dropout": 0.3,
        "max_sequence_length": 8,
        "num_segments": 0,
        "activation": "relu",
        "layer_norm_epsilon": 1e-5,
        "pooler": False,
        "pooler_activation": "relu",
        "embedding_dim": 3,
        "shared_layers": True,
        "initializer": keras.initializers.HeNormal(seed=1),
    },
    "TransformerBlock": lambda: {
        "hidden_dim": 4,
        "num_heads": 2,
        "intermediate_dim": 6,
        "activation": "relu",
        "dropout": 0.2,
        "attention_dropout": 0.3,
        "layer_norm_epsilon": 1e-5,
        "kernel_initializer": keras.initializers.HeNormal(seed=1),
    },
    "Triplet": lambda: {
        "margin": 2.0,
        "similarity": "euclidean",
        "mining": "hard",
        "name": "farther",
    },
    "WeightedMeanPooling": lambda: {"name": "weighted"},
}
REGISTERED = {
    name.removeprefix("semmatch>"): registered
    for name, registered in keras.saving.get_custom_objects().items()
    if name.startswith("semmatch>") and inspect.isclass(registered)
}
# Layers of `(tokens, padding_mask)`.
MASKED = [
    "AttentionPooling",
    "ClsPooling",
    "LastTokenPooling",
    "MaxPooling",
    "MeanPooling",
    "MeanSqrtPooling",
    "TransformerBlock",
    "WeightedMeanPooling",
]


def make(name):
    return REGISTERED[name](**ARGUMENTS[name]())


def public(module):
    """The public names of a module with their objects."""
    return {name: getattr(module, name) for name in module.__all__}


PUBLIC = {
    name: thing
    for module in [semmatch, *(getattr(semmatch, name) for name in MODULES)]
    for name, thing in public(module).items()
}
DOCUMENTED = sorted(
    name
    for name, thing in PUBLIC.items()
    if inspect.isclass(thing) or inspect.isfunction(thing)
)


def test_every_registered_class_is_covered():
    assert set(ARGUMENTS) == set(REGISTERED)


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_registered_classes_are_public(name):
    assert PUBLIC[name] is REGISTERED[name]


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_the_configuration_survives_json(name):
    thing = make(name)
    again = checks.json_round_trip(thing)
    assert type(again) is type(thing)
    assert again.get_config() == thing.get_config()


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_every_argument_is_kept(name):
    thing = make(name)
    signature = inspect.signature(REGISTERED[name].__init__)
    config = thing.get_config()
    for argument, value in ARGUMENTS[name]().items():
        assert argument in signature.parameters or argument == "name"
        if isinstance(value, str | int | float | None):
            assert config[argument] == value
        else:
            assert config[argument] is not None
    missing = set(signature.parameters) - set(config)
    assert missing <= {"self", "args", "kwargs"}


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_an_unknown_argument_is_refused(name):
    with pytest.raises((TypeError, ValueError), match="misspelt"):
        REGISTERED[name](**ARGUMENTS[name](), misspelt=1)


@pytest.mark.parametrize("name", MASKED)
def test_padding_changes_nothing(name):
    layer = make(name)
    tokens = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    layer(tokens, np.ones((2, 3), "int32"))
    checks.randomise(layer)
    checks.assert_padding_changes_nothing(layer, tokens)


@pytest.mark.parametrize("name", MASKED)
def test_a_layer_is_saved_with_its_weights(name, tmp_path):
    tokens = keras.Input((None, 4))
    mask = keras.Input((None,), dtype="int32")
    layer = make(name)
    model = keras.Model([tokens, mask], layer(tokens, mask))
    checks.randomise(layer)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    values = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    real = np.array([[1, 1, 0], [1, 1, 1]], "int32")
    np.testing.assert_array_equal(
        checks.to_numpy(again([values, real])),
        checks.to_numpy(model([values, real])),
    )


@pytest.mark.parametrize("name", MASKED)
def test_symbolic_shapes_are_those_computed(name):
    tokens = keras.Input((5, 4))
    mask = keras.Input((5,), dtype="int32")
    output = make(name)(tokens, mask)
    computed = make(name)(np.ones((2, 5, 4)), np.ones((2, 5), "int32"))
    assert tuple(output.shape[1:]) == tuple(computed.shape[1:])


@pytest.mark.parametrize("name", sorted(semmatch.__all__))
def test_a_public_name_is_that_of_its_module(name):
    module = importlib.import_module(f"semmatch.{semmatch._EXPORTS[name]}")
    assert getattr(semmatch, name) is getattr(module, name)


def test_the_lists_of_names_are_complete():
    assert semmatch.__all__ == sorted(semmatch._EXPORTS)
    assert set(dir(semmatch)) >= {*semmatch._EXPORTS, *semmatch._SUBMODULES}
    folder = Path(semmatch.__file__).parent
    packages = {
        path.parent.name
        for path in folder.glob("*/__init__.py")
        if not path.parent.name.startswith("_")
    }
    assert packages == semmatch._SUBMODULES


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'semmatch' has no attribute 'X'"):
        _ = semmatch.X


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(semmatch.__file__).read_text(encoding="utf-8"))
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If)
        and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        alias.name: statement.module.removeprefix("semmatch.")
        for statement in block.body
        for alias in statement.names
    }
    assert seen == semmatch._EXPORTS


@pytest.mark.parametrize("module", MODULES)
def test_a_module_lists_what_it_imports(module):
    module = getattr(semmatch, module)
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    own = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and getattr(thing, "__module__", "").startswith(module.__name__)
    }
    assert own <= set(module.__all__)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_docstring_begins_with_a_sentence(name):
    lines = inspect.getdoc(PUBLIC[name]).splitlines()
    assert lines[0].endswith(".")
    assert len(lines) == 1 or lines[1] == ""


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_docstring_has_an_example_or_names_every_argument(name):
    thing = PUBLIC[name]
    text = inspect.getdoc(thing)
    arguments = set(inspect.signature(thing).parameters) - {"kwargs"}
    # The fields of a tuple may be described in one sentence.
    mark = "" if inspect.isclass(thing) and issubclass(thing, tuple) else ":"
    missing = [name for name in arguments if name + mark not in text]
    assert ">>> " in text or not missing


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_list_of_arguments_is_complete(name):
    thing = PUBLIC[name]
    text = inspect.getdoc(thing)
    if "Args:\n" not in text and "Attributes:\n" not in text:
        pytest.skip("the example says it all")
    arguments = set(inspect.signature(thing).parameters) - {"kwargs"}
    assert [name for name in arguments if f"{name}:" not in text] == []
