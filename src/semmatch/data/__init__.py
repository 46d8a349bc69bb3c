from semmatch.data.records import Pairs
from semmatch.data.pair_dataset import pair_dataset
