"""Records of texts, readers, the bundled sample and builders of datasets."""

from semmatch.data.faq import FAQ
from semmatch.data.faq import load_faq
from semmatch.data.pair_dataset import pair_dataset
from semmatch.data.readers import read_pairs
from semmatch.data.records import Pairs
from semmatch.data.records import RankedLists
from semmatch.data.records import Triplets
from semmatch.data.report import DataReport

__all__ = [
    "DataReport",
    "FAQ",
    "Pairs",
    "RankedLists",
    "Triplets",
    "load_faq",
    "pair_dataset",
    "read_pairs",
]
