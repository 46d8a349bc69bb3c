"""Records of texts, readers, the bundled sample and builders of datasets."""

from semmatch.data.bm25 import BM25
from semmatch.data.faq import FAQ
from semmatch.data.faq import load_faq
from semmatch.data.negatives import mine_hard_negatives
from semmatch.data.pair_dataset import pair_dataset
from semmatch.data.readers import read_pairs
from semmatch.data.records import Pairs
from semmatch.data.records import RankedLists
from semmatch.data.report import DataReport
from semmatch.data.triplet_dataset import triplet_dataset
from semmatch.data.triplets import Triplets

__all__ = [
    "BM25",
    "DataReport",
    "FAQ",
    "Pairs",
    "RankedLists",
    "Triplets",
    "load_faq",
    "mine_hard_negatives",
    "pair_dataset",
    "read_pairs",
    "triplet_dataset",
]
