"""Hugging Face folders of `model_type` "albert".

Source: transformers' `AlbertModel` and `AlbertForSequenceClassification`.
"""

import dataclasses

from semmatch.checkpoints import huggingface
from semmatch.checkpoints.encoder_config import ALBERT_CONFIG
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

FAMILY = Family(
    config=dataclasses.replace(
        ALBERT_CONFIG,
        activations=huggingface.ACTIVATIONS,
        defaults={**ALBERT_CONFIG.defaults, "hidden_act": "gelu_new"},
    ),
    layout=dataclasses.replace(
        huggingface.BERT_LAYOUT,
        block="encoder.albert_layer_groups.0.albert_layers.0.",
        block_layers={
            "query": "attention.query",
            "key": "attention.key",
            "value": "attention.value",
            "attention_output": "attention.dense",
            "attention_norm": "attention.LayerNorm",
            "intermediate": "ffn",
            "output": "ffn_output",
            "output_norm": "full_layer_layer_norm",
        },
        projection="encoder.embedding_hidden_mapping_in",
    ),
    prefixes=("albert.", ""),
    poolers=(Pooler("{}pooler", "tanh", classifier=huggingface.CLASSIFIER),),
    unused={
        **huggingface.UNUSED,
        r"(predictions|sop_classifier)\..*": "head of the pretraining",
    },
    always_projects=True,
)
FORMAT = huggingface.HuggingFaceFormat(
    "Hugging Face ALBERT", ("albert",), FAMILY
)
