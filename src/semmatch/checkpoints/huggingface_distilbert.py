"""Hugging Face folders of `model_type` "distilbert".

Source: transformers' `DistilBertModel` and
`DistilBertForSequenceClassification`.
"""

import dataclasses

from semmatch.checkpoints import huggingface
from semmatch.checkpoints.encoder_config import ConfigKeys
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

_CONFIG = ConfigKeys(
    huggingface.ACTIVATIONS,
    activation="activation",
    names={
        "vocab_size": "vocabulary_size",
        "n_layers": "num_layers",
        "n_heads": "num_heads",
        "dim": "hidden_dim",
        "hidden_dim": "intermediate_dim",
        "dropout": "dropout",
        "attention_dropout": "attention_dropout",
        "max_position_embeddings": "max_sequence_length",
    },
    defaults={"dropout": 0.1, "attention_dropout": 0.1, "activation": "gelu"},
    fixed={"num_segments": 0, "layer_norm_epsilon": 1e-12},
    harmless=frozenset(
        {
            "qa_dropout",
            "seq_classif_dropout",
            # Sinusoids are stored like any other table.
            "sinusoidal_pos_embds",
            "tie_weights_",
        }
    ),
)
FAMILY = Family(
    config=_CONFIG,
    layout=dataclasses.replace(
        huggingface.BERT_LAYOUT,
        block="transformer.layer.{}.",
        block_layers={
            "query": "attention.q_lin",
            "key": "attention.k_lin",
            "value": "attention.v_lin",
            "attention_output": "attention.out_lin",
            "attention_norm": "sa_layer_norm",
            "intermediate": "ffn.lin1",
            "output": "ffn.lin2",
            "output_norm": "output_layer_norm",
        },
    ),
    prefixes=("distilbert.", ""),
    poolers=(
        Pooler("pre_classifier", "relu", classifier=huggingface.CLASSIFIER),
    ),
    unused={
        **huggingface.UNUSED,
        r"vocab_(transform|layer_norm|projector)\..*": (
            "head of the pretraining"
        ),
    },
)
FORMAT = huggingface.HuggingFaceFormat(
    "Hugging Face DistilBERT", ("distilbert",), FAMILY
)
