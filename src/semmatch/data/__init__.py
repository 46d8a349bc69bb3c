"""Records of texts, readers, the bundled sample and builders of datasets."""

from semmatch.data.augmentation import recombine_pairs
from semmatch.data.augmentation import swap_pairs
from semmatch.data.bm25 import BM25
from semmatch.data.distillation_dataset import distillation_dataset
from semmatch.data.faq import FAQ
from semmatch.data.faq import load_faq
from semmatch.data.negatives import mine_hard_negatives
from semmatch.data.pair_dataset import pair_dataset
from semmatch.data.pair_stream import PairStream
from semmatch.data.readers import read_pairs
from semmatch.data.record_dataset import record_dataset
from semmatch.data.record_manifest import RecordManifest
from semmatch.data.record_writer import write_records
from semmatch.data.records import Pairs
from semmatch.data.records import RankedLists
from semmatch.data.report import DataReport
from semmatch.data.teacher_scores import teacher_scores
from semmatch.data.teacher_scores import TeacherScores
from semmatch.data.triplet_dataset import triplet_dataset
from semmatch.data.triplets import Triplets

__all__ = [
    "BM25",
    "DataReport",
    "FAQ",
    "PairStream",
    "Pairs",
    "RankedLists",
    "RecordManifest",
    "TeacherScores",
    "Triplets",
    "distillation_dataset",
    "load_faq",
    "mine_hard_negatives",
    "pair_dataset",
    "read_pairs",
    "recombine_pairs",
    "record_dataset",
    "swap_pairs",
    "teacher_scores",
    "triplet_dataset",
    "write_records",
]
