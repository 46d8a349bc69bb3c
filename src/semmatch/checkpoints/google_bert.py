"""Folders of Google's BERT: `bert_config*.json` and a TensorFlow checkpoint.

The downloads of Chinese-BERT-wwm (RoBERTa-wwm-ext, RBT3, RBT4, RBT6, RBTL3) and
MacBERT are such.

Source: google-research/bert, modeling.py, and run_classifier.py for the head.
"""

from semmatch.checkpoints import google
from semmatch.checkpoints.encoder_config import ConfigKeys
from semmatch.checkpoints.family import Family
from semmatch.checkpoints.family import Pooler

FAMILY = Family(
    # Its `gelu` is the approximation by tanh.
    config=ConfigKeys({"gelu": "gelu_tanh", "relu": "relu"}),
    layout=google.BERT_LAYOUT,
    prefixes=("bert/",),
    poolers=(Pooler("{}pooler/dense", "tanh", classifier=google.CLASSIFIER),),
    unused={**google.UNUSED, r"cls/.*": "head of the pretraining"},
)
FORMAT = google.GoogleFormat(
    "Google BERT (TensorFlow)", ("bert_config*.json",), FAMILY
)
