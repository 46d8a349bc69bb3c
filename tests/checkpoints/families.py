"""The tiny checkpoints of BERT's relatives that transformers wrote.

`tests/fixtures/record_architectures.py` wrote them and what transformers
computes from them: of each family a base model, and classifiers of one label
(a `pytorch_model.bin`) and of three.
"""

import json

import numpy as np

from semmatch.checkpoints.tensors import open_tensors
from tests.checkpoints.tiny import FIXTURES

FAMILIES = ("roberta", "xlm_roberta", "distilbert", "albert", "electra")
BASES = [FIXTURES / f"{family}_tiny" for family in FAMILIES]
CLASSIFIERS = [
    FIXTURES / f"{family}_tiny_{labels}"
    for family in FAMILIES
    for labels in (1, 3)
]
# What the names of a classifier's encoder begin with.
PREFIXES = {
    "roberta": "roberta.",
    "xlm-roberta": "roberta.",
    "distilbert": "distilbert.",
    "albert": "albert.",
    "electra": "electra.",
}
HEADS = ("classifier.", "pre_classifier.")


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def pack_recorded(model, folder):
    """Features of the recorded texts, which must be those of transformers.

    Returns:
        The features, a bool array of the real tokens, and the outputs of
        transformers.
    """
    expected = dict(np.load(folder / "expected.npz"))
    features = model.preprocessor.pack(*expected["texts"].T.tolist())
    recorded = {
        "token_ids": expected["input_ids"],
        "padding_mask": expected["attention_mask"],
        "segment_ids": expected["token_type_ids"],
    }
    for name, array in features.items():
        np.testing.assert_array_equal(array, recorded[name])
    return features, features["padding_mask"] == 1, expected


def with_prefix(folder, has_prefix):
    """Changes for `rewritten`: the encoder's names with or without prefix."""
    prefix = PREFIXES[config_of(folder)["model_type"]]
    changes = {}
    for name, array in open_tensors(folder).items():
        if not name.startswith(HEADS):
            plain = name.removeprefix(prefix)
            changes |= {name: None, prefix * has_prefix + plain: array}
    return changes
