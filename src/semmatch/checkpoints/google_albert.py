"""Google's ALBERT: `albert_config*.json` beside a TensorFlow checkpoint.

Source: google-research/albert, modeling.py, and classifier_utils.py for the
head.
"""

import dataclasses

from semmatch.checkpoints import google
from semmatch.checkpoints.encoder_config import ALBERT_CONFIG
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

FAMILY = Family(
    config=dataclasses.replace(
        # Its `gelu` is the approximation by tanh.
        ALBERT_CONFIG,
        activations={"gelu": "gelu_tanh", "relu": "relu"},
    ),
    layout=dataclasses.replace(
        google.BERT_LAYOUT,
        block="encoder/transformer/group_0/inner_group_0/",
        block_layers={
            "query": "attention_1/self/query",
            "key": "attention_1/self/key",
            "value": "attention_1/self/value",
            "attention_output": "attention_1/output/dense",
            "attention_norm": "LayerNorm",
            "intermediate": "ffn_1/intermediate/dense",
            "output": "ffn_1/intermediate/output/dense",
            "output_norm": "LayerNorm_1",
        },
        projection="encoder/embedding_hidden_mapping_in",
    ),
    # The first is that of modules of TensorFlow Hub.
    prefixes=("module/bert/", "bert/"),
    poolers=(Pooler("{}pooler/dense", "tanh", classifier=google.CLASSIFIER),),
    unused={
        **google.UNUSED,
        r"(module/)?cls/.*": "head of the pretraining",
    },
)
FORMAT = google.GoogleFormat(
    "Google ALBERT (TensorFlow)", ("albert_config*.json",), FAMILY
)
