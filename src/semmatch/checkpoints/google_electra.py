"""Folders of Google's ELECTRA: a configuration and a TensorFlow checkpoint.

The downloads of Chinese-ELECTRA are such; their configurations lie in the
folder `config` of that repository, not in the archives.

Source: google-research/electra, model/modeling.py and run_pretraining.py.
"""

import dataclasses

from semmatch.checkpoints import google
from semmatch.checkpoints.encoder_config import ELECTRA_CONFIG
from semmatch.checkpoints.family import Family

FAMILY = Family(
    config=dataclasses.replace(
        # Other than BERT's and ALBERT's, its `gelu` is the exact one.
        ELECTRA_CONFIG,
        activations={"gelu": "gelu", "relu": "relu"},
    ),
    layout=dataclasses.replace(
        google.BERT_LAYOUT, projection="embeddings_project"
    ),
    prefixes=("electra/",),
    poolers=(),
    unused={
        **google.UNUSED,
        r"generator/.*": "the generator of the pretraining",
        r"(generator|discriminator)_predictions/.*": "head of the pretraining",
        # Of run_finetuning.py, on the first token without a dense layer.
        r"task_specific/.*": "head of another task",
    },
)
FORMAT = google.GoogleFormat(
    "Google ELECTRA (TensorFlow)",
    ("electra_config*.json", "*discriminator*.json"),
    FAMILY,
)
