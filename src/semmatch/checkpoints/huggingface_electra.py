"""Hugging Face folders of `model_type` "electra".

Source: transformers' `ElectraModel` and `ElectraForSequenceClassification`.
"""

import dataclasses

from semmatch.checkpoints import huggingface
from semmatch.checkpoints.encoder_config import ELECTRA_CONFIG
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

FAMILY = Family(
    config=dataclasses.replace(
        ELECTRA_CONFIG, activations=huggingface.ACTIVATIONS
    ),
    layout=dataclasses.replace(
        huggingface.BERT_LAYOUT, projection="embeddings_project"
    ),
    prefixes=("electra.", ""),
    # The exact GELU, whatever the blocks have.
    poolers=(
        Pooler("classifier.dense", "gelu", classifier=huggingface.OUT_PROJ),
    ),
    unused={
        **huggingface.UNUSED,
        r"(discriminator|generator)_predictions\..*": (
            "head of the pretraining"
        ),
        r"generator_lm_head\..*": "head of the pretraining",
        r"sequence_summary\..*": "head of another task",
    },
)
FORMAT = huggingface.HuggingFaceFormat(
    "Hugging Face ELECTRA", ("electra",), FAMILY
)
