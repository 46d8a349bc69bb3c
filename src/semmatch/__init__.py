"""semmatch: train, distil, export and serve models that match texts."""

import importlib
from typing import TYPE_CHECKING

from semmatch._version import __version__

# Where each public name lives. A name is imported when it is first used, so
# that `import semmatch` costs nothing and serving needs no TensorFlow.
_EXPORTS = {
    "BiEncoder": "models",
    "CrossEncoder": "models",
    "DistillationModel": "models",
    "Ensemble": "models",
    "ExportReport": "export",
    "FAQ": "data",
    "FAQIndex": "serving",
    "LayerMatch": "models",
    "Matcher": "serving",
    "PairStream": "data",
    "Pairs": "data",
    "RankedLists": "data",
    "Ranked": "_records",
    "RetrieveRerank": "serving",
    "SavedModelReport": "export",
    "Scoring": "_records",
    "TextEncoder": "models",
    "TeacherScores": "data",
    "Tokenizer": "tokenizers",
    "Triplets": "data",
    "VectorIndex": "serving",
    "classification_report": "evaluation",
    "distillation_dataset": "data",
    "export_frozen_graph": "export",
    "export_onnx": "export",
    "export_saved_model": "export",
    "export_transformers": "export",
    "load_faq": "data",
    "load_model": "models",
    "mine_hard_negatives": "data",
    "pair_dataset": "data",
    "read_pairs": "data",
    "record_dataset": "data",
    "teacher_scores": "data",
    "triplet_dataset": "data",
    "write_records": "data",
}
_SUBMODULES = {
    "checkpoints",
    "data",
    "evaluation",
    "export",
    "layers",
    "losses",
    "metrics",
    "models",
    "serving",
    "tokenizers",
    "training",
}

__all__ = sorted(_EXPORTS)

if TYPE_CHECKING:
    from semmatch._records import Ranked
    from semmatch._records import Scoring
    from semmatch.data import distillation_dataset
    from semmatch.data import FAQ
    from semmatch.data import load_faq
    from semmatch.data import mine_hard_negatives
    from semmatch.data import pair_dataset
    from semmatch.data import Pairs
    from semmatch.data import PairStream
    from semmatch.data import RankedLists
    from semmatch.data import read_pairs
    from semmatch.data import record_dataset
    from semmatch.data import teacher_scores
    from semmatch.data import TeacherScores
    from semmatch.data import triplet_dataset
    from semmatch.data import Triplets
    from semmatch.data import write_records
    from semmatch.evaluation import classification_report
    from semmatch.export import export_frozen_graph
    from semmatch.export import export_onnx
    from semmatch.export import export_saved_model
    from semmatch.export import export_transformers
    from semmatch.export import ExportReport
    from semmatch.export import SavedModelReport
    from semmatch.models import BiEncoder
    from semmatch.models import CrossEncoder
    from semmatch.models import DistillationModel
    from semmatch.models import Ensemble
    from semmatch.models import LayerMatch
    from semmatch.models import load_model
    from semmatch.models import TextEncoder
    from semmatch.serving import FAQIndex
    from semmatch.serving import Matcher
    from semmatch.serving import RetrieveRerank
    from semmatch.serving import VectorIndex
    from semmatch.tokenizers import Tokenizer


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _EXPORTS:
        module = importlib.import_module(f"{__name__}.{_EXPORTS[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_EXPORTS, *_SUBMODULES})
