"""Layers that matching models are built of."""

from semmatch.layers.block_parts import ACTIVATIONS
from semmatch.layers.dropout import Dropout
from semmatch.layers.multi_sample_dropout import MultiSampleDropout
from semmatch.layers.pair_head import PairHead
from semmatch.layers.pooling import AttentionPooling
from semmatch.layers.pooling import ClsPooling
from semmatch.layers.pooling import LastTokenPooling
from semmatch.layers.pooling import MaxPooling
from semmatch.layers.pooling import MeanPooling
from semmatch.layers.pooling import MeanSqrtPooling
from semmatch.layers.pooling import POOLINGS
from semmatch.layers.pooling import WeightedMeanPooling
from semmatch.layers.transformer_block import TransformerBlock

__all__ = [
    "ACTIVATIONS",
    "POOLINGS",
    "AttentionPooling",
    "ClsPooling",
    "Dropout",
    "LastTokenPooling",
    "MaxPooling",
    "MeanPooling",
    "MeanSqrtPooling",
    "MultiSampleDropout",
    "PairHead",
    "TransformerBlock",
    "WeightedMeanPooling",
]
