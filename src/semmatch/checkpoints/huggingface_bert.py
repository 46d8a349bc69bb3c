"""Hugging Face folders of `model_type` "bert".

Source: transformers' `BertModel` and `BertForSequenceClassification`.
"""

from semmatch.checkpoints import huggingface
from semmatch.checkpoints.encoder_config import ConfigKeys
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

FAMILY = Family(
    config=ConfigKeys(huggingface.ACTIVATIONS),
    layout=huggingface.BERT_LAYOUT,
    prefixes=("bert.", ""),
    poolers=(
        Pooler("{}pooler.dense", "tanh", classifier=huggingface.CLASSIFIER),
    ),
    unused={**huggingface.UNUSED, r"cls\..*": "head of the pretraining"},
)
FORMAT = huggingface.HuggingFaceFormat("Hugging Face BERT", ("bert",), FAMILY)
